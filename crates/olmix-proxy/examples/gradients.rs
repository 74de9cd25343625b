//! A small model with its logits and gradients, for a comparison with other implementations: `gradients
//! FOLDER [qk_norm]`. `scripts/compare/proxy.py` runs it.
#![allow(clippy::unwrap_used)] // an example

use std::path::PathBuf;

use olmix_proxy::{Model, Objective, Shape, Update, Use, Workspace, save_model, write_tensors};

fn main() {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().unwrap());
    let qk_norm = args.next().is_some_and(|word| word == "qk_norm");
    let shape = Shape {
        size: "small".into(),
        vocab: 257,
        width: 64,
        layers: 3,
        heads: 4,
        hidden: 176,
        context: 160,
        rope_theta: 10_000.0,
        norm_eps: 1e-5,
        qk_norm,
        init_std: 0.08,
    };
    let mut model = Model::initial(shape, 7);
    for (i, weight) in model.weights.iter_mut().enumerate() {
        if *weight == 1.0 {
            *weight += 0.1 * (i as f32).sin();
        }
    }
    let sequence = |k: u32| -> Vec<u32> {
        (0..161)
            .map(|i: u32| (i * i * (7 + k) + 3 * i + k) % 257)
            .collect()
    };
    let sequences: Vec<Vec<u32>> = (0..3).map(sequence).collect();
    save_model(&folder.join("model"), &model, Some(256), b"{}").unwrap();
    std::fs::write(
        folder.join("tokens.json"),
        serde_json::to_vec(&sequences).unwrap(),
    )
    .unwrap();
    let mut space = Workspace::new(&model.shape, Use::Training);
    let mut gradient = vec![0.0; model.weights.len()];
    let objective = Objective {
        scale: 1.0 / 480.0,
        z_loss: 1e-5,
    };
    let mut logits = Vec::new();
    for tokens in &sequences {
        logits.extend_from_slice(model.logits(&tokens[..160], &mut space));
        let into = (&mut gradient[..], Update::Add);
        model.loss_and_gradient(tokens, objective, &mut space, into);
    }
    std::fs::write(
        folder.join("gradients.safetensors"),
        write_tensors(&model, &[("", &gradient)]).unwrap(),
    )
    .unwrap();
    let bytes: Vec<u8> = logits.iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(folder.join("logits.f32"), bytes).unwrap();
}

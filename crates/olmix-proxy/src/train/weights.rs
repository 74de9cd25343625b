//! Tensors in files, under the names that Hugging Face's Llama has for them.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use crate::{Model, ProxyError};

/// The bytes of a safetensors file with a tensor for each of the model's, and each prefix; values are laid
/// out as the model's weights are.
///
/// # Errors
/// [`ProxyError::Input`] for values that are not as many as weights.
pub fn write_tensors(model: &Model, parts: &[(&str, &[f32])]) -> Result<Vec<u8>, ProxyError> {
    let failed = |error: safetensors::SafeTensorError| {
        ProxyError::broken(
            Path::new("model.safetensors"),
            format!("can't be made: {error}"),
        )
    };
    let mut views = Vec::new();
    for (prefix, values) in parts {
        for tensor in model.tensors() {
            let bytes = bytemuck::cast_slice(&values[tensor.range.clone()]);
            let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map_err(failed)?;
            views.push((format!("{prefix}{}", tensor.name), view));
        }
    }
    let about = [("format".to_owned(), "pt".to_owned())];
    serialize(views, Some(about.into())).map_err(failed)
}

/// Reads what [`write_tensors`] wrote, of one prefix, from the bytes of a file.
///
/// # Errors
/// [`ProxyError::Input`] for tensors that are missing or of another shape.
pub(crate) fn read_tensors(
    model: &Model,
    file: &Path,
    bytes: &[u8],
    prefix: &str,
) -> Result<Vec<f32>, ProxyError> {
    let broken = |problem: String| ProxyError::broken(file, problem);
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|error| broken(format!("is not a safetensors file: {error}")))?;
    let mut values = vec![0.0; model.weights.len()];
    for tensor in model.tensors() {
        let name = format!("{prefix}{}", tensor.name);
        let found = tensors
            .tensor(&name)
            .map_err(|_| broken(format!("has no tensor `{name}`")))?;
        if found.dtype() != Dtype::F32 || found.shape() != tensor.shape {
            return Err(broken(format!(
                "has `{name}` as {:?} {:?}, not F32 {:?}",
                found.dtype(),
                found.shape(),
                tensor.shape
            )));
        }
        let (numbers, _) = found.data().as_chunks::<4>();
        let into = values[tensor.range.clone()].iter_mut().zip(numbers);
        into.for_each(|(value, bytes)| *value = f32::from_le_bytes(*bytes));
    }
    Ok(values)
}

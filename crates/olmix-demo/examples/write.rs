//! Writes documents (JSON Lines) and tasks of a seed to a folder: `write SEED FOLDER [TIMES]`.

use std::error::Error;
use std::path::Path;

use olmix_demo::{Domain, documents, tasks};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [seed, folder, rest @ ..] = &args[..] else {
        return Err("say: write SEED FOLDER [TIMES]".into());
    };
    let times: usize = rest.first().map_or(Ok(1), |times| times.parse())?;
    let (seed, folder) = (seed.parse()?, Path::new(folder));
    std::fs::create_dir_all(folder.join("docs"))?;
    std::fs::create_dir_all(folder.join("tasks"))?;
    for domain in Domain::ALL {
        let spec = domain.spec();
        let mut lines = String::new();
        for text in documents(domain, seed, times * spec.bytes) {
            lines.push_str(&serde_json::json!({ "text": text }).to_string());
            lines.push('\n');
        }
        std::fs::write(folder.join(format!("docs/{}.jsonl", spec.name)), lines)?;
    }
    for task in tasks(seed, 60) {
        let path = folder.join(format!("tasks/{}.jsonl", task.name));
        std::fs::write(path, task.json_lines()?)?;
    }
    Ok(())
}

//! What the page's script works from, as JSON in the page: `docs/report.md` has the layout.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use olmix_core::optimize::Solution;
use olmix_core::{NoWhatIf, WhatIf, what_if};

use super::ReportInput;

/// The element with the data. It is never executed, and nothing in it can end it.
pub fn element(input: &ReportInput) -> String {
    format!(
        "<script type=\"application/json\" id=\"data\">{}</script>\n",
        json(input).replace('<', "\\u003c")
    )
}

fn json(input: &ReportInput) -> String {
    let text = |name: &str| serde_json::Value::from(name).to_string();
    let list =
        |names: &mut dyn Iterator<Item = &str>| names.map(text).collect::<Vec<_>>().join(",");
    // Mixtures of phases are not to be copied as the mixture of one run.
    let proposal = input.fit.proposal.as_ref();
    let one = proposal.filter(|_| input.spec.phases.is_none());
    let weights = one.map_or("null".to_owned(), |p| {
        serde_json::json!(p.mixture.weights()).to_string()
    });
    let mut json = format!(
        "{{\"version\":1,\"domains\":[{}],\"tasks\":[{}],\"runs\":[{}],\"weights\":{weights}",
        list(&mut input.swarm.domains().names()),
        list(&mut input.swarm.tasks().iter().map(|task| task.name.as_str())),
        list(&mut input.swarm.runs().iter().map(String::as_str)),
    );
    let answers = match input.mixture {
        Some(mixture) => what_if(input.swarm, input.spec, input.fit).map(|found| (mixture, found)),
        None => Err(NoWhatIf::NoMixture),
    };
    match answers {
        Ok((mixture, found)) => {
            let _ = write!(
                json,
                ",\"answers\":{},\"mixture\":{}",
                answers_json(&found, input.swarm.domains().len()),
                without_spaces(mixture)
            );
        }
        Err(why) => {
            let _ = write!(json, ",\"why\":{}", text(reason(why)));
        }
    }
    json + "}"
}

/// Why there are no sliders, in a sentence; empty where there is nothing to say.
fn reason(why: NoWhatIf) -> &'static str {
    match why {
        NoWhatIf::NoMixture | NoWhatIf::Worst => "",
        NoWhatIf::NotExact => {
            "There are no sliders here: they need the exact optimizer, and this mixture was found in \
             another way."
        }
        NoWhatIf::Phases => {
            "There are no sliders here: they are for one mixture, and this one is of phases."
        }
        NoWhatIf::MeasuredRepetition => {
            "There are no sliders here: where the value of repeats is measured, the laws hold for a run of R tokens alone."
        }
        NoWhatIf::TooLarge => {
            "There are no sliders here: with so many domains and tasks, a page can't hold the \
             solutions. olmix sweep and olmix explore solve when asked."
        }
    }
}

fn answers_json(found: &WhatIf, domains: usize) -> String {
    let floors: Vec<_> = found.floors.iter().map(|f| (f.domain, f.least)).collect();
    let emphases = found.emphases.iter();
    let emphases: Vec<_> = emphases.map(|e| (e.family.as_str(), e.factor)).collect();
    let rows = found.uncapped.iter().chain(&found.grid);
    let rows = rows
        .map(Option::as_ref)
        .chain(found.floors.iter().map(|floor| Some(&floor.solution)))
        .chain(found.emphases.iter().map(|one| Some(&one.solution)));
    serde_json::json!({
        "kl": found.kl,
        "sizes": found.sizes,
        "floors": floors,
        "emphases": emphases,
        "weights": encoded(rows, domains),
    })
    .to_string()
}

/// Weights as 32-bit floats, little-endian, in base64.
fn encoded<'a>(rows: impl Iterator<Item = Option<&'a Solution>>, domains: usize) -> String {
    let mut bytes = Vec::new();
    for row in rows {
        for j in 0..domains {
            let weight = row.map_or(f64::NAN, |solution| solution.weights[j]);
            bytes.extend((weight as f32).to_le_bytes());
        }
    }
    STANDARD.encode(bytes)
}

/// JSON without the white space between its parts.
fn without_spaces(json: &str) -> String {
    let mut short = String::with_capacity(json.len());
    let (mut inside, mut escaped) = (false, false);
    for c in json.chars() {
        if inside || !c.is_ascii_whitespace() {
            short.push(c);
        }
        inside = match c {
            '"' if !escaped => !inside,
            _ => inside,
        };
        escaped = inside && c == '\\' && !escaped;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_goes_from_between_the_parts_of_json_and_nowhere_else() {
        let long = "{ \"a \\\" b\": [1.5,\n  2],\r\n\t\"c \\\\\": \"d e\" }";
        assert_eq!(without_spaces(long), r#"{"a \" b":[1.5,2],"c \\":"d e"}"#);
    }
}

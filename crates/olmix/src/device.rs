//! Devices by name, with what they do at most.

/// Share of a device's peak that the training of proxies is assumed to reach: `trainers/torch` reaches 14 % at
/// 30 million parameters and 29 % at 190 million (docs/performance.md).
pub const UTILIZATION: f64 = 0.2;

/// A device that runs are trained on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Device {
    /// Its name in the table; none for one that is given by its peak.
    pub name: Option<&'static str>,
    /// Its peak in FLOP/s.
    pub peak: f64,
}

/// Names, and the dense bf16 peak of one device in TFLOP/s as its vendor publishes it: half of what a data sheet
/// gives "with sparsity". docs/launch-config.md names the document of each.
const PEAKS: &[(&str, f64)] = &[
    ("A10", 125.0),
    ("A100", 312.0),
    ("H100", 989.0),
    ("H100-PCIe", 756.0),
    ("H200", 989.0),
    ("B200", 2250.0),
    ("L4", 121.0),
    ("L40S", 362.0),
    ("RTX4090", 165.0),
    ("MI250X", 383.0),
    ("MI300X", 1307.0),
    ("TPUv4", 275.0),
    ("TPUv5e", 197.0),
    ("TPUv5p", 459.0),
    ("TPUv6e", 918.0),
    ("Trainium2", 667.0),
    ("Gaudi3", 1835.0),
];

/// A device by its name, in upper or lower case, or by its peak in FLOP/s.
///
/// # Errors
/// What to write instead, with all names.
pub fn device(text: &str) -> Result<Device, String> {
    let named = PEAKS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text));
    if let Some((name, peak)) = named {
        return Ok(Device {
            name: Some(name),
            peak: 1e12 * peak,
        });
    }
    let peak = text.parse::<f64>().ok().filter(|peak| peak.is_finite());
    match peak {
        // Less than a processor's core does: probably TFLOP/s.
        Some(peak) if peak >= 1e9 => Ok(Device { name: None, peak }),
        Some(_) => Err("a peak is in FLOP/s, such as 989e12".into()),
        None => {
            let names: Vec<&str> = PEAKS.iter().map(|(name, _)| *name).collect();
            Err(format!(
                "known are {}; of another device give the peak in FLOP/s, such as 989e12",
                names.join(", ")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_is_found_by_name_or_peak_and_a_wrong_name_lists_all() {
        assert_eq!(device("h100").unwrap().peak, 989e12);
        assert_eq!(
            device("4e14"),
            Ok(Device {
                name: None,
                peak: 4e14
            })
        );
        let message = device("H1000").unwrap_err();
        for (name, _) in PEAKS {
            assert!(message.contains(name), "{message}");
        }
        assert!(device("989").unwrap_err().contains("989e12"));
        assert!(device("nan").is_err() && device("-1e15").is_err());
    }

    #[test]
    fn device_table_is_documented() {
        let page = include_str!("../../../docs/launch-config.md");
        for (name, peak) in PEAKS {
            assert!(page.contains(&format!("| `{name}` | {peak} |")), "{name}");
        }
    }
}

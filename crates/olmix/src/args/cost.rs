//! Options of what runs cost.

use clap::Args;

use crate::device::{Device, device};

/// `--device`, `--utilization`, `--price`.
#[derive(Debug, Default, Args)]
pub struct CostArgs {
    /// The device that runs are trained on, such as H100, or its peak in FLOP/s: shows device-hours
    /// [default: as finished runs took].
    #[arg(long, value_name = "NAME|FLOPS", value_parser = device)]
    pub device: Option<Device>,
    /// The share of the device's peak that training reaches, such as 0.3 [default: 0.2].
    #[arg(long, value_name = "SHARE", requires = "device", value_parser = share)]
    pub utilization: Option<f64>,
    /// The price of a device-hour, in any currency.
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    pub price: Option<f64>,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok();
    share
        .filter(|share| *share > 0.0 && *share <= 1.0)
        .ok_or_else(|| "it must be a share above 0 and at most 1, such as 0.3".into())
}

fn amount(text: &str) -> Result<f64, String> {
    let amount = text.parse::<f64>().ok();
    amount
        .filter(|amount| *amount >= 0.0 && amount.is_finite())
        .ok_or_else(|| "it must be a number of at least 0, such as 2.5".into())
}

//! The flags of `devices`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DevicesArgs {
    #[command(flatten)]
    pub(crate) list: ListArgs,
    #[command(subcommand)]
    pub(crate) command: Option<DevicesCommand>,
}

/// Which devices to list.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ListArgs {
    /// Devices of devices.toml: ids, tags or globs [default: all, and what else is on adb]
    #[arg(value_name = "DEVICE")]
    pub(crate) devices: Vec<String>,
    /// Name the hosts of your ssh configuration, too; they are not reached
    #[arg(long, conflicts_with = "devices")]
    pub(crate) discover: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DevicesCommand {
    /// What `devices` does without a subcommand
    #[command(after_help = "Examples:\n  edgedyno devices list\n  edgedyno devices list pi --json")]
    List(ListArgs),
    /// List all, with the hosts that your ssh configuration names as candidates
    #[command(after_help = "Examples:\n  edgedyno devices discover")]
    Discover,
    /// Write a device into devices.toml, once it was reached
    #[command(
        after_help = "Examples:\n  edgedyno devices add pi5-a --ssh pi5-a --board raspberry-pi-5 --tag pi\n  edgedyno devices add phone --adb usb --price-eur 549"
    )]
    Add(AddArgs),
    /// Remove all that edgedyno put on devices, and say how much room that freed
    #[command(after_help = "Examples:\n  edgedyno devices clean pi5-a\n  edgedyno devices clean")]
    Clean {
        /// Devices of devices.toml: ids, tags or globs [default: all]
        #[arg(value_name = "DEVICE")]
        devices: Vec<String>,
    },
    /// End an agent that works on a device for somebody else, or was forgotten there
    #[command(after_help = "Examples:\n  edgedyno devices release pi5-a")]
    Release {
        /// Devices of devices.toml: ids, tags or globs
        #[arg(required = true, value_name = "DEVICE")]
        devices: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Its name: letters, digits, `-`, `_` and `.`
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) way: Way,
    /// What board it is: raspberry-pi-5
    #[arg(long, value_name = "BOARD")]
    pub(crate) board: Option<String>,
    /// Labels to select it by
    #[arg(long = "tag", value_delimiter = ',', value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// What it costs, in euro
    #[arg(long, value_name = "EURO", value_parser = cents)]
    pub(crate) price_eur: Option<u64>,
    /// Folder on the device for the agent and the models
    #[arg(long, value_name = "DIR")]
    pub(crate) work_dir: Option<String>,
    /// Write it down without reaching it
    #[arg(long)]
    pub(crate) no_check: bool,
}

/// How to reach a new device.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Way {
    /// Over ssh: a host name, or an alias of your ssh configuration
    #[arg(long, value_name = "HOST")]
    pub(crate) ssh: Option<String>,
    /// Over adb: a serial number, `usb` or HOST:PORT
    #[arg(long, value_name = "SERIAL")]
    pub(crate) adb: Option<String>,
}

/// Euro with at most two decimals, as cents.
fn cents(text: &str) -> Result<u64, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 || whole.len() > 12 {
        return Err("expected an amount such as 92 or 92.50".to_owned());
    }
    let number = |text: &str| text.parse::<u64>().map_err(|error| error.to_string());
    Ok(number(whole)? * 100 + number(&format!("{part:0<2}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact() {
        let check = |text, expected: Option<u64>| assert_eq!(cents(text).ok(), expected, "{text}");
        check("92", Some(9200));
        check("92.5", Some(9250));
        check("0.05", Some(5));
        check("92.505", None);
        check("-1", None);
        check("", None);
        check(".5", None);
        check("1e3", None);
        check("99999999999999999999", None);
    }
}

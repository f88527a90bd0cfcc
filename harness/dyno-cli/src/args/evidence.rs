//! The flags of `evidence`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub(crate) const EVIDENCE_HELP: &str = "\
Examples:
  edgedyno evidence keygen ~/keys/lab                    once: a key of your own
  edgedyno evidence pack --key ~/keys/lab                the newest campaign, signed
  edgedyno evidence pack 20261121-043000-quick --key ~/keys/lab --redact drop --output quick.zip
  edgedyno evidence verify quick.zip --public-key lab.pub";

#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    /// Put a campaign's record, answers and digests into one archive that others can verify
    #[command(after_help = "\
Examples:
  edgedyno evidence pack --key ~/keys/lab
  edgedyno evidence pack 20261121-043000-quick --key ~/keys/lab --redact hash --output quick.zip
  edgedyno evidence pack --key ~/keys/lab --slo assistant.toml")]
    Pack(PackArgs),
    /// Check a pack, and compute every figure of it again from its record; needs no project and no network
    #[command(after_help = "\
Examples:
  edgedyno evidence verify quick.zip --public-key lab.pub
  edgedyno evidence verify quick.zip --json | jq '.checks[] | select(.state != \"holds\")'

Exits with 0 where all that is asked holds, 5 where something does not, 2 where the file is no pack.
Without --public-key nobody's signature is asked for; with it a pack must have one of these keys.")]
    Verify(VerifyArgs),
    /// Make a key to sign with: FILE for yourself, FILE.pub for everybody
    #[command(after_help = "Examples:\n  edgedyno evidence keygen ~/keys/lab")]
    Keygen {
        /// File of the private key; it must not exist
        file: PathBuf,
    },
    /// Print what a pack says of itself, without checking anything of it
    #[command(
        after_help = "Examples:\n  edgedyno evidence show quick.zip\n  edgedyno evidence show quick.zip --json"
    )]
    Show {
        /// The pack
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// Campaign id or folder [default: the newest]
    pub(crate) campaign: Option<PathBuf>,
    /// Private key to sign with, as `evidence keygen` or openssl made it
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Leave texts and names out of the record, so that all figures stay
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) redact: Option<Redact>,
    /// Objectives to add verdicts for: a set of the catalogue or a file, as for `check`
    #[arg(long, value_name = "SET|FILE")]
    pub(crate) slo: Option<String>,
    /// Who measured, for the compliance report
    #[arg(long, value_name = "NAME", requires = "slo")]
    pub(crate) operator: Option<String>,
    /// File to write [default: evidence.zip in the campaign's folder]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// What stands in the place of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Redact {
    /// Words that say so.
    Drop,
    /// Their SHA-256, so that a text can be shown to be the one; short texts can be guessed from it.
    Hash,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The pack
    pub(crate) file: PathBuf,
    /// Public key that must have signed; several are any of them
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: Vec<PathBuf>,
}

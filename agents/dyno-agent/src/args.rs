//! The command line, by hand: the agent is to stay small.

use std::path::PathBuf;

use dyno_model::plan::SyntheticShape;

use crate::error::AgentError;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
The agent of edgedyno: measures on a device. People use `edgedyno`, which starts it.

edgedyno-agent serve --work-dir DIR [--on-link-loss stop|finish]
                                               serve a controller over stdin and stdout
edgedyno-agent digest FILE                     print the SHA-256 of a file
edgedyno-agent describe FILE                   print what the header of a GGUF model says, as JSON
edgedyno-agent facts [--work-dir DIR]          print what this device is, as JSON
edgedyno-agent paced [--port N]                serve answers of known schedule on the loopback, to try clients against
edgedyno-agent engine --model FILE --context N [--threads N]
                                               run the embedded engine for an agent
edgedyno-agent quantize SOURCE FILE TYPE [--threads N]
                                               write a re-quantized copy of a GGUF model
edgedyno-agent synthesize FILE SHAPE SEED      write a GGUF model of seeded noise; SHAPE is JSON
edgedyno-agent --version                       print version and build id";

/// What becomes of a launch whose link to the controller is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnLinkLoss {
    /// It stops after the request in flight: on the controller's own machine only a dead controller loses the link.
    Stop,
    /// It goes on to its end; its spool waits for the next contact.
    Finish,
}

/// For whom a paced server plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Play {
    /// For another agent's calibration: until stdin ends; then it tells what it played.
    UntilEnd,
    /// For people: until it is ended.
    ForPeople {
        /// The port of the loopback; 0 is any.
        port: u16,
    },
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Subcommand {
    /// Serve a controller.
    Serve {
        /// The agent's folder.
        work_dir: PathBuf,
        /// What becomes of a launch whose link is lost.
        on_link_loss: OnLinkLoss,
    },
    /// Print a file's digest.
    Digest {
        /// The file.
        path: PathBuf,
    },
    /// Print what a model file says of itself.
    Describe {
        /// The file.
        path: PathBuf,
    },
    /// Be the engine of another agent.
    Engine {
        /// The engine's own words.
        words: Vec<String>,
    },
    /// Be a schedule in the engine's place.
    PacedEngine,
    /// Serve answers of known schedule.
    Paced {
        /// For whom.
        play: Play,
    },
    /// Write a re-quantized copy.
    Quantize {
        /// File to read.
        source: PathBuf,
        /// File to write.
        path: PathBuf,
        /// Tensor type.
        to: String,
        /// Compute threads.
        threads: Option<u32>,
    },
    /// Write a model of noise.
    Synthesize {
        /// File to write.
        path: PathBuf,
        /// Its shape.
        shape: Box<SyntheticShape>,
        /// Seed of its weights.
        seed: u64,
    },
    /// Print what this device is.
    Facts {
        /// Folder whose free space is asked for.
        work_dir: PathBuf,
    },
    /// Print the version.
    Version,
    /// Print the help.
    Help,
}

impl Subcommand {
    /// Understands the words after the program's name.
    ///
    /// # Errors
    /// [`AgentError::Usage`], naming the word that is wrong or missing.
    pub(crate) fn parse(words: &[String]) -> Result<Self, AgentError> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["serve", "--work-dir", work_dir] => Ok(serve(work_dir, OnLinkLoss::Stop)),
            ["serve", "--work-dir", work_dir, "--on-link-loss", "stop"] => {
                Ok(serve(work_dir, OnLinkLoss::Stop))
            }
            ["serve", "--work-dir", work_dir, "--on-link-loss", "finish"] => {
                Ok(serve(work_dir, OnLinkLoss::Finish))
            }
            ["serve", ..] => Err(usage("serve needs --work-dir DIR, and takes --on-link-loss stop|finish")),
            ["digest", path] => Ok(Self::Digest { path: path.into() }),
            ["digest", ..] => Err(usage("digest needs FILE")),
            ["describe", path] => Ok(Self::Describe { path: path.into() }),
            ["describe", ..] => Err(usage("describe needs FILE")),
            ["engine", rest @ ..] => {
                Ok(Self::Engine { words: rest.iter().map(|&word| word.to_owned()).collect() })
            }
            ["paced-engine"] => Ok(Self::PacedEngine),
            ["paced"] => Ok(Self::Paced { play: Play::ForPeople { port: 0 } }),
            ["paced", "--port", n] => Ok(Self::Paced { play: Play::ForPeople { port: number(n)? } }),
            ["paced", "--until-end"] => Ok(Self::Paced { play: Play::UntilEnd }),
            ["paced", ..] => Err(usage("paced takes --port N or nothing")),
            ["quantize", source, path, to] => Ok(quantize(source, path, to, None)),
            ["quantize", source, path, to, "--threads", n] => {
                Ok(quantize(source, path, to, Some(number(n)?)))
            }
            ["quantize", ..] => Err(usage("quantize needs SOURCE FILE TYPE")),
            ["synthesize", path, shape, seed] => Ok(Self::Synthesize {
                path: path.into(),
                shape: serde_json::from_str(shape)
                    .map_err(|error| usage(format!("SHAPE is no shape: {error}")))?,
                seed: number(seed)?,
            }),
            ["synthesize", ..] => Err(usage("synthesize needs FILE SHAPE SEED")),
            ["facts"] => Ok(Self::Facts { work_dir: ".".into() }),
            ["facts", "--work-dir", work_dir] => Ok(Self::Facts { work_dir: work_dir.into() }),
            ["facts", ..] => Err(usage("facts takes --work-dir DIR or nothing")),
            ["--version" | "-V"] => Ok(Self::Version),
            ["--help" | "-h"] => Ok(Self::Help),
            [] => Err(usage("a subcommand is missing")),
            [other, ..] => Err(usage(format!("unknown subcommand `{other}`"))),
        }
    }
}

fn serve(work_dir: &str, on_link_loss: OnLinkLoss) -> Subcommand {
    Subcommand::Serve { work_dir: work_dir.into(), on_link_loss }
}

fn quantize(source: &str, path: &str, to: &str, threads: Option<u32>) -> Subcommand {
    Subcommand::Quantize { source: source.into(), path: path.into(), to: to.to_owned(), threads }
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, AgentError> {
    word.parse().map_err(|_not_a_number| usage(format!("`{word}` is not a whole number")))
}

fn usage(what: impl Into<String>) -> AgentError {
    AgentError::Usage { what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Subcommand, AgentError> {
        Subcommand::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn subcommands_are_understood() {
        assert_eq!(parse("serve --work-dir w").expect("good"), serve("w", OnLinkLoss::Stop));
        assert_eq!(
            parse("serve --work-dir w --on-link-loss finish").expect("good"),
            serve("w", OnLinkLoss::Finish)
        );
        assert_eq!(
            parse("quantize a b q8_0 --threads 2").expect("good"),
            quantize("a", "b", "q8_0", Some(2))
        );
        assert_eq!(parse("facts").expect("good"), Subcommand::Facts { work_dir: ".".into() });
        assert_eq!(parse("--version").expect("good"), Subcommand::Version);
        let paced = |line| match parse(line).expect("good") {
            Subcommand::Paced { play } => play,
            other => panic!("not a paced server: {other:?}"),
        };
        assert_eq!(paced("paced"), Play::ForPeople { port: 0 });
        assert_eq!(paced("paced --port 8080"), Play::ForPeople { port: 8080 });
        assert_eq!(paced("paced --until-end"), Play::UntilEnd);
    }

    #[test]
    fn wrong_words_are_named() {
        let check = |line: &str, expected: &str| {
            let error = parse(line).expect_err("wrong words");
            assert_eq!(error.to_string(), format!("{expected} (see --help)"));
            assert_eq!(error.exit_code(), 2);
        };
        check("", "a subcommand is missing");
        check("server", "unknown subcommand `server`");
        check("serve", "serve needs --work-dir DIR, and takes --on-link-loss stop|finish");
        check("paced 8080", "paced takes --port N or nothing");
        check("paced --port 80800", "`80800` is not a whole number");
        check("quantize a b q8_0 --threads two", "`two` is not a whole number");
    }
}

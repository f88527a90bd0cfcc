//! Where the peers live: virtual environments and a tokenizer, made once and kept.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use super::say;
use super::tool::Tool;

/// A byte-level tokenizer of a thousand pieces, trained on the spot: what it cuts does not matter, for the server's
/// answers have a fixed number of tokens and prompts are short.
const TOKENIZER: &str = r#"
import sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
words = "the quick brown fox jumps over a lazy dog while small models answer long questions tok".split()
lines = [" ".join(words[(i * 7 + j * 3) % len(words)] for j in range(12)) for i in range(400)]
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
alphabet = pre_tokenizers.ByteLevel.alphabet()
trainer = trainers.BpeTrainer(vocab_size=1000, initial_alphabet=alphabet, special_tokens=["<|end|>"])
tokenizer.train_from_iterator(lines, trainer)
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|end|>", eos_token="<|end|>", pad_token="<|end|>")
fast.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
fast.save_pretrained(sys.argv[1])
"#;

/// The folder, and what could not be made in it.
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    missing: Vec<(Tool, String)>,
}

impl Place {
    /// Makes what is missing; a tool that cannot be had is noted, and left out.
    pub(crate) fn make(dir: &Path, tools: &[Tool]) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        let mut place = Self { dir: dir.canonicalize()?, missing: Vec::new() };
        // The largest first: the others may use what it brings.
        for tool in [Tool::Vllm, Tool::Guidellm, Tool::Aiperf] {
            if !tools.contains(&tool) {
                continue;
            }
            if let Err(error) = place.install(tool) {
                place.missing.push((tool, format!("{error:#}")));
            }
        }
        Ok(place)
    }

    /// Why a tool is left out.
    pub(crate) fn missing(&self, tool: Tool) -> Option<&str> {
        self.missing.iter().find(|(one, _)| *one == tool).map(|(_, why)| why.as_str())
    }

    /// A program of a tool's environment.
    pub(crate) fn program(&self, tool: Tool, name: &str) -> PathBuf {
        self.environment(tool).join("bin").join(name)
    }

    /// The folder of the tokenizer.
    pub(crate) fn tokenizer(&self) -> PathBuf {
        self.dir.join("tokenizer")
    }

    fn environment(&self, tool: Tool) -> PathBuf {
        self.dir.join(tool.requirement().replace("==", "-"))
    }

    fn install(&self, tool: Tool) -> anyhow::Result<()> {
        let environment = self.environment(tool);
        let mark = environment.join("complete");
        if !mark.exists() {
            say(&format!("{}: making its environment", tool.requirement()));
            output(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
            if tool == Tool::Guidellm {
                self.share(&environment)?;
            }
            let pip = self.program(tool, "pip");
            output(Command::new(pip).args(["install", "--quiet", "--no-cache-dir", tool.requirement()]))?;
            std::fs::write(&mark, "")?;
        }
        if !self.tokenizer().join("tokenizer.json").exists() {
            let python = self.program(tool, "python");
            output(Command::new(python).args(["-c", TOKENIZER]).arg(self.tokenizer()))?;
        }
        Ok(())
    }

    /// GuideLLM wants torch, which is 5 GB: it takes vLLM's, where that is.
    fn share(&self, environment: &Path) -> anyhow::Result<()> {
        let packages = |of: &Path| -> anyhow::Result<PathBuf> {
            let mut versions = std::fs::read_dir(of.join("lib"))?.flatten().map(|entry| entry.path());
            let version = versions.find(|path| path.join("site-packages").is_dir());
            Ok(version.context("an environment has no packages")?.join("site-packages"))
        };
        let of = self.environment(Tool::Vllm);
        if of.join("complete").exists() {
            let path = format!("{}\n", packages(&of)?.display());
            std::fs::write(packages(environment)?.join("shared.pth"), path)?;
        }
        Ok(())
    }
}

/// What a program said, if it went well.
fn output(command: &mut Command) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.trim().lines().last().unwrap_or_default();
    anyhow::ensure!(
        output.status.success(),
        "{}: {}, {last}",
        command.get_program().display(),
        output.status
    );
    Ok(())
}

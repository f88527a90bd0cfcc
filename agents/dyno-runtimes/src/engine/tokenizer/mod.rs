//! Tokenizers from GGUF metadata: byte-level BPE (`gpt2`) and SentencePiece BPE (`llama`).

mod bpe;
mod merge;
mod pieces;
mod pretokenize;
mod special;
mod spm;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use bpe::written_byte;
pub(crate) use stream::TextStream;

use dyno_model::digest::Digest;
use sha2::{Digest as _, Sha256};

use self::bpe::Bpe;
use self::pieces::Pieces;
use self::pretokenize::{Classes, Split};
use self::special::Specials;
use self::spm::Spm;
use super::error::EngineError;
use super::gguf::{Gguf, Kind, Value};

/// What a token is (`tokenizer.ggml.token_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Text.
    Normal,
    /// What stands for text that the vocabulary lacks.
    Unknown,
    /// Begins and ends turns; has no text of its own.
    Control,
    /// Text that is one token wherever it stands.
    UserDefined,
    /// Nothing.
    Unused,
    /// One byte, written `<0x0A>`.
    Byte,
}

impl TokenKind {
    fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Normal),
            2 => Some(Self::Unknown),
            3 => Some(Self::Control),
            4 => Some(Self::UserDefined),
            5 | 0 => Some(Self::Unused),
            6 => Some(Self::Byte),
            _ => None,
        }
    }
}

enum Scheme {
    Bpe(Bpe),
    Spm(Spm),
}

/// Text to tokens and back.
pub(crate) struct Tokenizer {
    scheme: Scheme,
    specials: Specials,
    /// What each token adds to the text.
    texts: Pieces,
    /// `tokenizer.ggml.model`.
    pub(crate) name: String,
    /// Over everything that tokenizing depends on.
    pub(crate) digest: Digest,
    /// Begins a text.
    pub(crate) bos: Option<u32>,
    /// Ends an answer.
    pub(crate) eos: Option<u32>,
    add_bos: bool,
    ends: Vec<u32>,
}

/// Names that end a turn in models whose metadata lists only one of several.
const END_NAMES: [&str; 6] =
    ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<end_of_turn>", "<eos>"];

struct Reader<'a> {
    gguf: &'a Gguf,
    texts: Vec<&'a [u8]>,
    kinds: Vec<TokenKind>,
}

impl<'a> Reader<'a> {
    fn new(gguf: &'a Gguf, n_vocabulary: usize) -> Result<Self, EngineError> {
        let missing = || gguf.malformed("`tokenizer.ggml.tokens` is missing or no list of texts");
        let tokens = gguf.get("tokenizer.ggml.tokens").ok_or_else(missing)?;
        let texts: Vec<&[u8]> = tokens.to_texts().ok_or_else(missing)?.collect();
        if texts.len() != n_vocabulary {
            let n = texts.len();
            return Err(gguf.malformed(&format!("{n} tokens, but the embeddings have {n_vocabulary} rows")));
        }
        let kinds = match gguf.get("tokenizer.ggml.token_type") {
            None => vec![TokenKind::Normal; texts.len()],
            Some(value) => Self::kinds(gguf, value)?,
        };
        if kinds.len() != texts.len() {
            return Err(gguf.malformed("`tokenizer.ggml.token_type` and the tokens differ in number"));
        }
        Ok(Self { gguf, texts, kinds })
    }

    fn kinds(gguf: &Gguf, value: &Value) -> Result<Vec<TokenKind>, EngineError> {
        let wrong = || gguf.malformed("`tokenizer.ggml.token_type` is no list of token types");
        let codes = value.to_words(Kind::I32).ok_or_else(wrong)?;
        codes.map(|code| TokenKind::from_code(code).ok_or_else(wrong)).collect()
    }

    fn id(&self, key: &str) -> Result<Option<u32>, EngineError> {
        let key = format!("tokenizer.ggml.{key}");
        let Some(value) = self.gguf.get(&key) else { return Ok(None) };
        match value.to_u64() {
            Some(id) if id < self.texts.len() as u64 => Ok(Some(id as u32)),
            _ => Err(self.gguf.malformed(&format!("`{key}` is not a token"))),
        }
    }

    fn flag(&self, key: &str, default: bool) -> bool {
        self.gguf.get(&format!("tokenizer.ggml.{key}")).and_then(Value::to_bool).unwrap_or(default)
    }

    fn scheme(&self, name: &str) -> Result<Scheme, EngineError> {
        match name {
            "gpt2" => {
                let pre = self.gguf.get("tokenizer.ggml.pre").and_then(Value::to_text).unwrap_or("default");
                let split = Split::named(pre).ok_or_else(|| {
                    let known = pretokenize::NAMES.join(", ");
                    self.gguf.unsupported(&format!("pre-tokenizer `{}`: known are {known}", shortened(pre)))
                })?;
                let wrong = || self.gguf.malformed("`tokenizer.ggml.merges` is missing or no list of texts");
                let merges =
                    self.gguf.get("tokenizer.ggml.merges").and_then(Value::to_texts).ok_or_else(wrong)?;
                Ok(Scheme::Bpe(Bpe::new(&self.texts, &self.kinds, merges, split, Classes::new())))
            }
            "llama" => {
                let wrong = || self.gguf.malformed("`tokenizer.ggml.scores` does not match the tokens");
                let scores =
                    self.gguf.get("tokenizer.ggml.scores").and_then(|value| value.to_words(Kind::F32));
                let scores: Vec<f32> = scores.ok_or_else(wrong)?.map(f32::from_bits).collect();
                if scores.len() != self.texts.len() {
                    return Err(wrong());
                }
                let unknown = self.id("unknown_token_id")?;
                Ok(Scheme::Spm(Spm::new(&self.texts, scores, unknown, self.flag("add_space_prefix", true))))
            }
            _ => {
                Err(self.gguf.unsupported(&format!("tokenizer `{}`: known are gpt2, llama", shortened(name))))
            }
        }
    }

    /// What each token adds to the text.
    fn written(&self, scheme: &Scheme) -> Pieces {
        Pieces::new(self.texts.iter().zip(&self.kinds).map(|(text, kind)| match (kind, scheme) {
            (TokenKind::Control | TokenKind::Unknown | TokenKind::Unused, _) => Vec::new(),
            (TokenKind::UserDefined, _) => text.to_vec(),
            (TokenKind::Normal | TokenKind::Byte, Scheme::Bpe(_)) => bpe::bytes_of(text),
            (TokenKind::Byte, Scheme::Spm(_)) => {
                spm::byte_of(text).map_or_else(|| text.to_vec(), |byte| vec![byte])
            }
            (TokenKind::Normal, Scheme::Spm(_)) => spm::unescaped(text),
        }))
    }

    fn digest(&self) -> Digest {
        let mut hasher = Sha256::new();
        for (key, value) in &self.gguf.metadata {
            if key.starts_with("tokenizer.ggml.") {
                hasher.update(key.as_bytes());
                hasher.update(value.encode());
            }
        }
        Digest::from_hasher(hasher)
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

impl Tokenizer {
    /// Reads the tokenizer of a model with that many embeddings.
    pub(crate) fn read(gguf: &Gguf, n_vocabulary: usize) -> Result<Self, EngineError> {
        let reader = Reader::new(gguf, n_vocabulary)?;
        let name = gguf.get("tokenizer.ggml.model").and_then(Value::to_text);
        let name = name.ok_or_else(|| gguf.malformed("`tokenizer.ggml.model` is missing"))?.to_owned();
        let scheme = reader.scheme(&name)?;
        let bos = reader.id("bos_token_id")?;
        let eos = reader.id("eos_token_id")?;
        let mut ends: Vec<u32> = eos.into_iter().chain(reader.id("eot_token_id")?).collect();
        for (id, (text, kind)) in reader.texts.iter().zip(&reader.kinds).enumerate() {
            if *kind == TokenKind::Control && END_NAMES.iter().any(|name| name.as_bytes() == *text) {
                ends.push(id as u32);
            }
        }
        Ok(Self {
            texts: reader.written(&scheme),
            specials: Specials::new(&reader.texts, &reader.kinds),
            digest: reader.digest(),
            add_bos: reader.flag("add_bos_token", matches!(scheme, Scheme::Spm(_))),
            scheme,
            name,
            bos,
            eos,
            ends,
        })
    }

    /// Tokens of a text. Special tokens in it are recognized; the one that begins a text is put before it where the
    /// model wants that and the text does not have it.
    pub(crate) fn encode(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::with_capacity(text.len() / 3 + 8);
        let mut after_special = true;
        self.specials.split(text, |part| match part {
            special::Part::Special(id) => {
                tokens.push(id);
                after_special = true;
            }
            special::Part::Text(text) => {
                match &self.scheme {
                    Scheme::Bpe(bpe) => bpe.encode(text, &mut tokens),
                    Scheme::Spm(spm) => spm.encode(text, after_special, &mut tokens),
                }
                after_special = false;
            }
        });
        if let Some(bos) = self.bos
            && self.add_bos
            && tokens.first() != Some(&bos)
        {
            tokens.insert(0, bos);
        }
        tokens
    }

    /// Whether a token ends an answer.
    pub(crate) fn is_end(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// The bytes that a token adds to the text; none for control tokens.
    pub(crate) fn text(&self, token: u32) -> &[u8] {
        self.texts.get(token)
    }

    /// How a token is told to people: its text, or, where it has none of its own, its name.
    pub(crate) fn piece(&self, token: u32) -> &[u8] {
        self.specials.text(token).unwrap_or_else(|| self.texts.get(token))
    }

    /// How a token is written in the vocabulary: for the chat template.
    pub(crate) fn special_text(&self, token: Option<u32>) -> String {
        let text = token.and_then(|token| self.specials.text(token)).unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }
}

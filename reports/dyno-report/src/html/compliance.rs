//! A compliance report as a document to sign, for the template `reports/templates/compliance.html`.

use dyno_view::compliance::ComplianceView;
use serde::Serialize;

use crate::compliance::{Block, Line, Paper, VerdictLine, paper};

/// The whole document.
#[derive(Serialize)]
pub(super) struct CompliancePage {
    title: String,
    kind: &'static str,
    regenerate: String,
    class: &'static str,
    word: &'static str,
    meaning: &'static str,
    description: String,
    verdicts: Vec<Verdict>,
    cover: Vec<Fact>,
    sections: Vec<Part>,
    schema_version: u32,
    digest: String,
}

#[derive(Serialize)]
struct Verdict {
    class: &'static str,
    word: &'static str,
    name: String,
    claim: String,
    cell: Option<String>,
    counts: String,
    why: Option<String>,
}

#[derive(Serialize)]
struct Fact {
    label: String,
    value: String,
    kind: &'static str,
}

#[derive(Serialize)]
struct Part {
    anchor: String,
    number: u32,
    title: &'static str,
    blocks: Vec<Piece>,
}

/// One of them is filled.
#[derive(Serialize, Default)]
struct Piece {
    heading: Option<String>,
    facts: Vec<Fact>,
    points: Vec<String>,
    command: Option<String>,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

pub(super) fn page(view: &ComplianceView) -> CompliancePage {
    let Paper { title, word, tone, meaning, description, lines, cover, sections } = paper(view);
    let part = |(section, number): (crate::compliance::Section, u32)| Part {
        anchor: format!("part-{number}"),
        number,
        title: section.title,
        blocks: section.blocks.into_iter().map(piece).collect(),
    };
    CompliancePage {
        title,
        kind: "compliance report",
        regenerate: view.evidence.regenerate.clone(),
        class: tone.class(),
        word,
        meaning,
        description,
        verdicts: lines.into_iter().map(verdict).collect(),
        cover: cover.iter().map(fact).collect(),
        sections: sections.into_iter().zip(1..).map(part).collect(),
        schema_version: view.schema_version,
        digest: view.evidence.journal_digest.clone(),
    }
}

fn verdict(line: VerdictLine) -> Verdict {
    let VerdictLine { word, tone, name, claim, cell, counts, why } = line;
    let (claim, counts) = (held(&claim), held(&counts));
    Verdict { class: tone.class(), word, name, claim, cell, counts, why }
}

/// A figure in per cent stays on the line of its sign.
fn held(text: &str) -> String {
    text.replace(" %", "\u{a0}%")
}

fn fact(line: &Line) -> Fact {
    Fact { label: held(&line.label), value: held(&line.value), kind: line.kind.class() }
}

fn piece(block: Block) -> Piece {
    let empty = Piece::default();
    match block {
        Block::Heading(text) => Piece { heading: Some(text), ..empty },
        Block::Facts(lines) => Piece { facts: lines.iter().map(fact).collect(), ..empty },
        Block::Points(points) => Piece { points, ..empty },
        Block::Command(command) => Piece { command: Some(command), ..empty },
        Block::Table { head, rows } => Piece { head, rows, ..empty },
    }
}

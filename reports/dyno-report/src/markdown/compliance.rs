//! A compliance report as Markdown.

use dyno_view::compliance::ComplianceView;

use super::{code, escaped, push};
use crate::compliance::{Block, Line, LineKind, paper};

/// The verdicts first, then all sections; those about the surroundings are folded away.
pub fn compliance(view: &ComplianceView) -> String {
    let mut out = String::new();
    let paper = paper(view);
    push(&mut out, format_args!("## {}: {}\n\n{}\n", escaped(&paper.title), paper.word, paper.meaning));
    out.push_str("\n| Verdict | Objective | Claim | Observed |\n| --- | --- | --- | --- |\n");
    for line in &paper.lines {
        let cell = line.cell.as_ref().map(|cell| format!("<br>{}", escaped(cell))).unwrap_or_default();
        let why = line.why.as_ref().map(|why| format!("<br>{}", escaped(why))).unwrap_or_default();
        push(
            &mut out,
            format_args!(
                "| **{}** | {}{cell} | {} | {}{why} |\n",
                line.word,
                escaped(&line.name),
                escaped(&line.claim),
                escaped(&line.counts)
            ),
        );
    }
    push(&mut out, format_args!("\n{}\n\n", escaped(&paper.description)));
    lines(&paper.cover, &mut out);
    for (section, number) in paper.sections.iter().zip(1..) {
        push(&mut out, format_args!("\n<details><summary>{number}. {}</summary>\n", section.title));
        for block in &section.blocks {
            out.push('\n');
            write_block(block, &mut out);
        }
        out.push_str("\n</details>\n");
    }
    out
}

fn lines(lines: &[Line], out: &mut String) {
    for line in lines {
        let value = match line.kind {
            LineKind::Digest => code(&line.value),
            LineKind::Missing => format!("*{}*", escaped(&line.value)),
            LineKind::Text => escaped(&line.value),
        };
        push(out, format_args!("- {}: {value}\n", escaped(&line.label)));
    }
}

fn write_block(block: &Block, out: &mut String) {
    match block {
        Block::Heading(text) => push(out, format_args!("#### {}\n", escaped(text))),
        Block::Facts(facts) => lines(facts, out),
        Block::Points(points) => {
            for point in points {
                push(out, format_args!("- {}\n", escaped(point)));
            }
        }
        Block::Command(command) => push(out, format_args!("{}\n", code(command))),
        Block::Table { head, rows } => {
            push(out, format_args!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len())));
            for row in rows {
                let cells: Vec<String> = row.iter().map(|text| escaped(text)).collect();
                push(out, format_args!("| {} |\n", cells.join(" | ")));
            }
        }
    }
}

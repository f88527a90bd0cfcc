//! A recommendation as Markdown.

use dyno_view::recommend::Recommendation;
use dyno_view::report::FindingLevel;

use super::{escaped, push};
use crate::recommend::{Sheet, assumptions, flips, lead, tables};

/// The answer, the tables, what would change it, assumptions, findings and formulas.
///
/// Foreign text is escaped so that it can neither format, link, mention nor leave its table cell.
pub fn recommend(of: &Recommendation) -> String {
    let mut out = String::new();
    push(&mut out, format_args!("## What to buy for {}\n\n", escaped(&of.slo.name)));
    for (place, said) in lead(of).iter().enumerate() {
        match place {
            0 => push(&mut out, format_args!("**{}**\n\n", escaped(&said.text))),
            _ => push(&mut out, format_args!("- {}\n", escaped(&said.text))),
        }
    }
    for sheet in tables(of) {
        table(&sheet, &mut out);
    }
    let flips = flips(of);
    if !flips.is_empty() {
        out.push_str("\n### What would change it\n\n");
    }
    for text in flips {
        push(&mut out, format_args!("- {}\n", escaped(&text)));
    }
    table(&assumptions(of), &mut out);
    out.push('\n');
    for finding in &of.findings {
        let word = match finding.level {
            FindingLevel::Invalid => "**Invalid:**",
            FindingLevel::Warning => "**Warning:**",
            FindingLevel::Note => "Note:",
        };
        push(&mut out, format_args!("- {word} {}\n", escaped(&finding.text)));
    }
    out.push_str("\n<details><summary>How was this worked out?</summary>\n\n| Figure | Formula | What stands behind it |\n| --- | --- | --- |\n");
    for of in &of.formulas {
        push(
            &mut out,
            format_args!("| {} | {} | {} |\n", escaped(&of.label), escaped(&of.formula), escaped(&of.note)),
        );
    }
    out.push_str("\n</details>\n");
    for source in &of.sources {
        push(
            &mut out,
            format_args!(
                "\n<sub>Campaign {}, plan {}</sub>\n",
                escaped(&source.campaign),
                escaped(crate::words::short_digest(&source.plan_digest))
            ),
        );
    }
    push(&mut out, format_args!("\n<sub>Worked out again by: {}</sub>\n", escaped(&of.regenerate)));
    out
}

fn table(sheet: &Sheet, out: &mut String) {
    push(out, format_args!("\n### {}\n\n|", escaped(&sheet.title)));
    for head in &sheet.heads {
        push(out, format_args!(" {} |", escaped(head)));
    }
    push(out, format_args!("\n| --- |{}\n", " ---: |".repeat(sheet.heads.len().saturating_sub(1))));
    for row in &sheet.rows {
        out.push('|');
        for entry in row {
            let note =
                if entry.note.is_empty() { String::new() } else { format!("<br>{}", escaped(&entry.note)) };
            push(out, format_args!(" {}{note} |", escaped(&entry.value)));
        }
        out.push('\n');
    }
    for note in &sheet.notes {
        push(out, format_args!("\n<sub>{}</sub>\n", escaped(note)));
    }
}

//! A comparison with its verdicts as Markdown: short above, all of it folded below.

use dyno_view::compare::CompareView;
use dyno_view::report::{Finding, FindingLevel};

use super::{code, escaped, push};
use crate::compare::{
    Group, Line, QualityLine, Tone, calibration_used, groups, how_measured, lettered, quality_lines, said_of,
    side_line, tail_words, title, verdict_word,
};
use crate::words;

/// A comment for a pull request: one line with the verdict, the metrics that tell, and all the rest folded.
pub fn compare(view: &CompareView) -> String {
    let mut out = String::new();
    let verdict = verdict_word(view.verdict);
    push(&mut out, format_args!("**{verdict}** {}: {}\n", escaped(&title(view)), escaped(&view.summary)));
    grave(&view.findings, &mut out);
    let groups = groups(view);
    for group in &groups {
        if groups.len() > 1 || group.is_unpaired {
            push(&mut out, format_args!("\n{}\n", escaped(&group.heading())));
        }
        table(group, &short(group), &mut out);
        answers(group, |line| line.row.category.is_none() || line.tone == Tone::Bad, &mut out);
    }
    out.push_str("\n<details><summary>All metrics, and how this was measured</summary>\n");
    details(view, &groups, &mut out);
    out.push_str("\n</details>\n");
    out
}

/// The verdicts of a campaign's own arms, within its report.
pub(super) fn verdicts(view: &CompareView, out: &mut String) {
    let verdict = verdict_word(view.verdict);
    push(out, format_args!("\n**{verdict}** {}: {}\n", escaped(&title(view)), escaped(&view.summary)));
    grave(&view.findings, out);
    for group in groups(view) {
        push(out, format_args!("\n{}\n", escaped(&group.heading())));
        table(&group, &group.lines.iter().collect::<Vec<_>>(), out);
        answers(&group, |_| true, out);
        said(&group, out);
    }
}

/// What must not be folded away.
fn grave(findings: &[Finding], out: &mut String) {
    let grave: Vec<&Finding> = findings.iter().filter(|of| of.level != FindingLevel::Note).collect();
    if !grave.is_empty() {
        out.push('\n');
    }
    for finding in grave {
        push(out, format_args!("- {}\n", worded(finding)));
    }
}

fn worded(finding: &Finding) -> String {
    let word = match finding.level {
        FindingLevel::Invalid => "**Invalid:**",
        FindingLevel::Warning => "**Warning:**",
        FindingLevel::Note => "Note:",
    };
    format!("{word} {}", escaped(&finding.text))
}

/// The primary metrics, and whatever became worse or better; all where that leaves nothing.
fn short<'g, 'v>(group: &'g Group<'v>) -> Vec<&'g Line<'v>> {
    let tells = |line: &&Line<'_>| line.row.is_primary || ["REGRESSION", "IMPROVEMENT"].contains(&line.word);
    let telling: Vec<&Line<'_>> = group.lines.iter().filter(tells).collect();
    if telling.is_empty() { group.lines.iter().collect() } else { telling }
}

fn table(group: &Group<'_>, lines: &[&Line<'_>], out: &mut String) {
    if lines.is_empty() {
        return;
    }
    let (baseline, side) = (escaped(group.baseline), escaped(group.side));
    let n = group.replicate();
    push(out, format_args!("\n| Verdict | Metric | {baseline} | {side} | Change | {n} | q | MDE |\n"));
    out.push_str("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for line in lines {
        push(
            out,
            format_args!(
                "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
                line.word,
                escaped(&line.name()),
                line.baseline,
                line.candidate,
                line.effect_line(),
                line.n,
                escaped(&line.q),
                line.mde
            ),
        );
    }
}

/// Graded answers, those lines that are wanted.
fn answers(group: &Group<'_>, is_wanted: impl Fn(&QualityLine<'_>) -> bool, out: &mut String) {
    let lines: Vec<QualityLine<'_>> = quality_lines(group).into_iter().filter(is_wanted).collect();
    if lines.is_empty() {
        return;
    }
    let (baseline, side) = (escaped(group.baseline), escaped(group.side));
    push(
        out,
        format_args!(
            "\n| Verdict | Graded answers | {baseline} | {side} | Change | Lost, gained | Prompts | q |\n"
        ),
    );
    out.push_str("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for line in lines {
        push(
            out,
            format_args!(
                "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
                line.word,
                escaped(&line.name),
                line.baseline,
                line.candidate,
                line.effect_line(),
                line.flips,
                line.n,
                escaped(&line.q)
            ),
        );
    }
}

fn details(view: &CompareView, groups: &[Group<'_>], out: &mut String) {
    out.push('\n');
    for (letter, side) in lettered(view) {
        push(out, format_args!("- {letter}: **{}**: {}\n", escaped(&side.name), escaped(&side_line(side))));
    }
    for group in groups {
        push(out, format_args!("\n{}\n", escaped(&group.heading())));
        table(group, &group.lines.iter().collect::<Vec<_>>(), out);
        answers(group, |_| true, out);
        said(group, out);
    }
    out.push('\n');
    for finding in view.findings.iter().filter(|of| of.level == FindingLevel::Note) {
        push(out, format_args!("- {}\n", worded(finding)));
    }
    for of in &view.calibrations {
        push(out, format_args!("- {}\n", escaped(&calibration_used(of).text)));
    }
    for text in how_measured(view) {
        push(out, format_args!("- {}\n", escaped(&text)));
    }
    for side in &view.sides {
        let digest = words::short_digest(&side.plan_digest);
        push(
            out,
            format_args!(
                "- {}: edgedyno {}, plan {}\n",
                escaped(&side.name),
                escaped(&side.tool_version),
                escaped(digest)
            ),
        );
    }
    push(out, format_args!("\nRendered again by {}.\n", code(&view.regenerate)));
}

fn said(group: &Group<'_>, out: &mut String) {
    out.push('\n');
    for said in said_of(group) {
        let text = escaped(&said.text);
        let text = if said.tone == Tone::Bad { format!("**{text}**") } else { text };
        push(out, format_args!("- {text}\n"));
    }
    for tail in &group.contrast.tails {
        let (name, text) = tail_words(tail);
        push(out, format_args!("- {}: {}\n", escaped(&name), escaped(&text)));
    }
}

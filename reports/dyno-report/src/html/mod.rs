//! The report as one HTML file: style, script and charts inside, no network request of any kind.
//!
//! The template is `reports/templates/report.html`; its name ends in `.html`, so every value is escaped.
//! A content security policy forbids all loading, and all script but the one whose digest it names.

mod comparison;
mod energy;
mod fact;
mod heat;
mod load;
mod memory;
mod page;
mod picture;
mod proof;

use std::io::{self, Write};

use dyno_view::report::Report;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};

use crate::untrusted::visible;

const TEMPLATE: &str = include_str!("../../../templates/report.html");
const STYLE: &str = include_str!("../../../templates/report.css");
const SCRIPT: &str = include_str!("../../../templates/report.js");

/// Writes the report as one HTML page.
///
/// # Errors
/// The writer's own.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    templates.set_syntax(syntax.expect("the delimiters are the usual ones"));
    templates.add_template("report.html", TEMPLATE).expect("the template is compiled in and tested");
    let template = templates.get_template("report.html").expect("the template was added above");
    let page = Serde(page::Page::of(report));
    let html = template
        .render(context! { page, style => STYLE, script => SCRIPT })
        .expect("the template asks only for fields of the page");
    // The template has no character that acts on its surroundings; what is found here is foreign.
    out.write_all(visible(&html).as_bytes())
}

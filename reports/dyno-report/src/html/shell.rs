//! What all pages share: their frame, their style and script, and how templates are read.
//!
//! The templates' names end in `.html`, so every value is escaped. A content security policy forbids all loading, and
//! all script but the one whose digest it names.

use std::io::{self, Write};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;

use crate::untrusted::visible;

const SHELL: &str = include_str!("../../../templates/shell.html");
const COMMON: &str = include_str!("../../../templates/common.html");
const STYLE: &str = include_str!("../../../templates/report.css");
const SCRIPT: &str = include_str!("../../../templates/report.js");
/// SHA-256 of the text of the script element, as the policy names it; a test compares the two.
const SCRIPT_DIGEST: &str = "2/Dnme7CGZGaAZyJLzm/csrgWzJBPfstV1+bM+W1Wzs=";
/// The same of the script in [`ZOOM`].
const ZOOM_DIGEST: &str = "3g90ArVOIfb0EG1hL60uvvRpPDOsztExTOvcPAxuKuw=";
/// Where [`ZOOM`] goes. Foreign text has no `<`, so it stands nowhere else.
const ZOOM_PLACE: &str = "<!-- zoom --><!-- /zoom -->";
/// What a chart needs that answers to the pointer: uPlot (MIT), and how our pictures are read. A module, so that the page
/// is painted before it is run; well-formed as XML.
const ZOOM: &str = concat!(
    "<!-- zoom -->\n<style>\n",
    include_str!("../../../templates/vendor/uplot.min.css"),
    "</style>\n<script type=\"module\">/*<![CDATA[*/\n",
    include_str!("../../../templates/vendor/uplot.min.js"),
    include_str!("../../../templates/zoom.js"),
    "/*]]>*/</script>\n<!-- /zoom -->",
);

/// Writes the page that `template` makes of `page`. It may extend `shell.html` and import from `common.html`.
///
/// # Errors
/// The writer's own.
pub(super) fn write(
    name: &'static str,
    template: &'static str,
    page: impl Serialize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    templates.set_syntax(syntax.expect("the delimiters are the usual ones"));
    for (name, template) in [("shell.html", SHELL), ("common.html", COMMON), (name, template)] {
        templates.add_template(name, template).expect("the template is compiled in and tested");
    }
    let template = templates.get_template(name).expect("the template was added above");
    let html = template
        .render(context! {
            page => Serde(page), style => STYLE, script => SCRIPT,
            script_digest => SCRIPT_DIGEST, zoom_digest => ZOOM_DIGEST,
        })
        .expect("the template asks only for fields of the page");
    // The template has no character that acts on its surroundings; what is found here is foreign.
    let html = visible(&html);
    // Pages without such a chart stay small.
    match html.split_once(ZOOM_PLACE).filter(|_| html.contains(" data-plot=")) {
        Some((before, after)) => {
            [before, ZOOM, after].into_iter().try_for_each(|part| out.write_all(part.as_bytes()))
        }
        None => out.write_all(html.as_bytes()),
    }
}

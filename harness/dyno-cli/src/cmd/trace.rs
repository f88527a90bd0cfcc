//! `trace`: a campaign for Perfetto.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use dyno_analysis::{TraceOptions, Traced};
use dyno_store::Campaign;

use super::report::open;
use crate::args::{Global, TraceArgs};
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

/// Writes the trace, and says how big it is.
pub(crate) fn trace(global: &Global, args: &TraceArgs) -> Result<Exit, Failure> {
    let campaign = open(&Project::find(global)?, args.campaign.as_deref())?;
    let options = TraceOptions { run: args.run, tokens: args.tokens };
    if args.output.as_deref() == Some(Path::new("-")) {
        let mut out = BufWriter::new(std::io::stdout().lock());
        dyno_analysis::trace(&campaign, options, &mut out)?;
        return Ok(Exit::Ok);
    }
    let path = args.output.clone().unwrap_or_else(|| campaign.report_dir().join("trace.json"));
    let traced = to_file(&campaign, options, &path)?;
    let text = if global.json {
        let Traced { n_launches, n_requests, n_events, n_bytes } = traced;
        let path = path.display().to_string();
        serde_json::json!({
            "file": path, "n_launches": n_launches, "n_requests": n_requests, "n_events": n_events, "n_bytes": n_bytes,
        })
        .to_string()
    } else {
        path.display().to_string()
    };
    output::stdout(format!("{text}\n").as_bytes())?;
    if !global.quiet {
        // Best effort: where stderr is closed, the file is there all the same.
        writeln!(
            std::io::stderr().lock(),
            "{} launches, {} requests, {} events, {:.1} MiB; open it at ui.perfetto.dev",
            traced.n_launches,
            traced.n_requests,
            traced.n_events,
            traced.n_bytes as f64 / 1_048_576.0,
        )
        .ok();
    }
    Ok(Exit::Ok)
}

/// The whole file or none: it takes its name when it is finished.
fn to_file(campaign: &Campaign, options: TraceOptions, path: &Path) -> Result<Traced, Failure> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .map_or(PathBuf::from("."), PathBuf::from);
    let failed = |error| {
        Failure::io(format!("cannot write {}", path.display()), error, "name another file with --output")
    };
    fs::create_dir_all(&folder).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(failed)?;
    let traced = dyno_analysis::trace(campaign, options, file.as_file_mut())?;
    fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(traced)
}

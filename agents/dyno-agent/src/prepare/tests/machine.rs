//! This machine itself: real programs, and whatever settings it has or has not.

use std::time::{Duration, Instant};

use dyno_model::prepare::{CommandRun, PrepareSpec};
use dyno_runtimes::interrupt::{Asked, Interrupt};

use super::bench::argv;
use crate::prepare::{After, PrepareError, SystemHost, apply, restore};

fn runs(spec: &PrepareSpec) -> Vec<CommandRun> {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let host = SystemHost::new(None);
    apply(&host, folder.path(), &"c".into(), spec).expect("nothing is required").commands
}

fn shell(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].map(ToOwned::to_owned).to_vec()
}

#[test]
fn commands_end_in_every_way_that_a_program_can() {
    let before = vec![
        shell("echo out; echo err >&2"),
        shell("printf '\\033[31mred\\033[0m\\a'; exit 3"),
        shell("kill -9 $$"),
        argv("/nonexistent/program"),
        argv("echo $(id) ; *"),
    ];
    let runs = runs(&PrepareSpec { before, ..PrepareSpec::default() });
    let told: Vec<_> = runs.iter().map(|run| (run.exit.as_deref(), run.problem.as_deref())).collect();
    assert_eq!(
        told,
        [
            (Some("exit status 0"), None),
            (Some("exit status 3"), Some("exit status 3")),
            (Some("killed by signal 9 (SIGKILL)"), Some("killed by signal 9 (SIGKILL)")),
            (None, Some("cannot start /nonexistent/program: No such file or directory (os error 2)")),
            (Some("exit status 0"), None),
        ]
    );
    let output: Vec<_> = runs.iter().map(|run| run.output_tail.as_str()).collect();
    // The last one shows that no shell reads the words.
    assert_eq!(output, ["out\nerr", "red", "", "", "$(id) ; *"]);
}

#[test]
fn a_command_that_never_ends_or_never_stops_talking_is_killed() {
    let spec = PrepareSpec {
        before: vec![argv("sleep 100"), shell("yes 0123456789"), shell("sleep 100 & exec yes")],
        command_limit_ms: Some(300),
        ..PrepareSpec::default()
    };
    let begun = Instant::now();
    let runs = runs(&spec);
    assert!(begun.elapsed() < Duration::from_secs(20));
    for run in &runs {
        assert_eq!(run.problem.as_deref(), Some("killed after 300 ms"), "{:?}", run.argv);
        assert!(run.output_tail.len() <= 4096, "{:?}", run.argv);
    }
    // Killed in the middle of a line, perhaps.
    assert!(runs[1].output_tail.contains("0123456789\n0123456789\n"));
}

#[test]
fn a_stop_ends_a_command_at_once_and_the_commands_afterwards_still_run() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let work_dir = folder.path().join("work");
    std::fs::create_dir(&work_dir).expect("our own folder");
    let trace = folder.path().join("trace");
    let interrupt = Interrupt::new().expect("a pipe");
    interrupt.raise(Asked::Cancel);
    let spec = PrepareSpec {
        before: vec![argv("sleep 100")],
        after: vec![vec!["touch".to_owned(), trace.display().to_string()]],
        ..PrepareSpec::default()
    };
    let begun = Instant::now();
    let host = SystemHost::new(Some(&interrupt));
    let stopped = apply(&host, &work_dir, &"c".into(), &spec);
    assert!(matches!(stopped, Err(PrepareError::Stopped)));
    assert!(begun.elapsed() < Duration::from_secs(50));
    assert!(trace.is_file());
    assert_eq!(restore(&host, &work_dir, After::Run(&spec.after, 1000)).expect("the folder is ours"), None);
}

#[test]
fn what_this_machine_cannot_do_has_a_reason() {
    // Only wishes that no machine of ours grants, so that a test never changes the machine that it runs on.
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let spec = PrepareSpec {
        governor: Some("nosuchgovernor".to_owned()),
        power_mode: Some("no-such-mode".to_owned()),
        ..PrepareSpec::default()
    };
    let host = SystemHost::new(None);
    let prepared = apply(&host, folder.path(), &"c".into(), &spec).expect("nothing is required");
    assert!(prepared.settings.len() >= 2);
    for setting in &prepared.settings {
        assert!(setting.problem.is_some(), "{setting:?}");
        assert_eq!(setting.before, setting.after, "{setting:?}");
    }
    assert_eq!(restore(&host, folder.path(), After::Later).expect("the folder is ours"), None);
}

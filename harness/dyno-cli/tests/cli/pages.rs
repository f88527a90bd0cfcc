//! Help, completions and the manual.

use crate::sandbox::Sandbox;

#[test]
fn every_subcommand_has_help_with_examples() {
    let sandbox = Sandbox::new();
    for command in ["run", "plan", "resume", "report", "devices", "doctor", "completions", "man"] {
        let help = sandbox.ok(&[command, "--help"]).stdout;
        assert!(help.contains("Examples:"), "{command}: {help}");
    }
    for command in ["compare", "baseline", "calibrate", "history"] {
        let help = sandbox.ok(&[command, "--help"]).stdout;
        assert!(help.contains("Examples:"), "{command}: {help}");
    }
    for command in ["list", "discover", "add", "clean", "release"] {
        let help = sandbox.ok(&["devices", command, "--help"]).stdout;
        assert!(help.contains("Examples:"), "devices {command}: {help}");
    }
    for command in ["list", "pull", "verify", "add"] {
        let help = sandbox.ok(&["models", command, "--help"]).stdout;
        assert!(help.contains("Examples:"), "models {command}: {help}");
    }
}

#[test]
fn help_lists_the_exit_codes() {
    let help = Sandbox::new().ok(&["--help"]).stdout;
    for code in ["0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "70 ", "130 "] {
        assert!(help.contains(&format!("\n  {code}")), "{code}: {help}");
    }
}

#[test]
fn completions_and_manual_name_all_subcommands() {
    let sandbox = Sandbox::new();
    for args in
        [vec!["completions", "bash"], vec!["completions", "zsh"], vec!["completions", "fish"], vec!["man"]]
    {
        let page = sandbox.ok(&args).stdout;
        for command in ["run", "plan", "resume", "report", "devices", "doctor", "models"] {
            assert!(page.contains(command), "{args:?} lacks {command}");
        }
    }
}

#[test]
fn an_unknown_flag_is_a_usage_error() {
    let done = Sandbox::new().run(&["run", "--modle", "x"]);
    assert_eq!(done.code, Some(2));
    assert!(done.stderr.contains("--model"), "{}", done.stderr);
}

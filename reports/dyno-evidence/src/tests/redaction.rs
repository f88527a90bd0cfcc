//! What is left out is nowhere, and what is measured is all there.

use dyno_model::device::DeviceFacts;
use dyno_model::digest::Digest;
use dyno_model::event::Event;
use dyno_model::plan::Plan;
use serde_json::{Value, json};

use crate::{RedactionMode, Redactor};

/// Everything that must not be in a redacted record.
const SECRETS: [&str; 16] = [
    "invoice",
    "Müller",
    "lab-pi.example.org",
    "R3CT10",
    "10.20.30.40",
    "topsecret",
    "plug-kitchen",
    "lovelace",
    "4b2c-boot",
    "firefox",
    "secretpaper",
    "lab7",
    "hunter2",
    "passw0rd",
    "sk-123",
    "lounge",
];

fn plan() -> Plan {
    let digest = Digest::of(b"abc");
    let plan = json!({
        "format": 1, "tool_version": "0.1.0", "seed": 7, "sampling_period_ms": 100,
        "suite": {"name": "quick", "description": "what it answers", "digest": digest},
        "corpus": {"name": "everyday", "digest": digest, "slice": null},
        "devices": {
            "pi": {
                "transport": {"kind": "ssh", "host": "lab-pi.example.org"}, "board": null, "tags": ["t"],
                "work_dir": "/home/lovelace/dyno", "price_eur_cents": 100,
                "prepare": {"before": [["unlock", "hunter2"]], "after": [["lock", "hunter2"]]}
            },
            "phone": {
                "transport": {"kind": "adb", "serial": "R3CT10"}, "board": null, "tags": [], "work_dir": null,
                "price_eur_cents": null
            }
        },
        "models": {"m": {
            "title": "M", "license": "MIT", "context_tokens": 64,
            "origin": {
                "kind": "published", "digest": digest, "bytes": 9, "file": "m.gguf", "terms_url": null,
                "sources": [{"kind": "file", "path": "/home/lovelace/m.gguf"}]
            },
            "provenance": {
                "signature_from": {"kind": "file", "path": "/home/lovelace/m.gguf.minisig"},
                "signature": {
                    "kind": "signed", "key": "lab", "form": "minisign", "comment": "file:/home/lovelace/m.gguf"
                }
            }
        }},
        "runtimes": {
            "fake": {
                "title": "f", "dialect": "fake", "settings": {"text": "topsecret answer", "n_tokens": "3"},
                "ready_limit_ms": 1
            },
            "remote": {
                "title": "r", "dialect": "openai_chat", "settings": {}, "ready_limit_ms": 1,
                "server": {
                    "program": "/home/lovelace/llama-server", "args": ["--host", "10.20.30.40", "{model}"],
                    "env": {"HF_TOKEN": "sk-123"}, "ready_path": "/health",
                    "pins": {"any": {
                        "sha256": digest, "signature_from": {"kind": "file", "path": "/home/lovelace/s.sig"}
                    }}
                },
                "endpoint": {"url": "http://lab7:8080/v1", "model": "m"}
            }
        },
        "prompts": {"p1": {
            "category": "mail", "language": "de",
            "messages": [{"role": "user", "content": "the invoice of Müller"}, {"role": "system", "content": ""}]
        }},
        "cells": [], "runs": [],
        "meters": {
            "plug": {
                "title": "plug", "device": "pi", "source": {"kind": "http", "url": "http://plug-kitchen/rpc"},
                "format": {"kind": "json"}, "fields": [{"at": "/p", "quantity": "power_uw", "scale": 1}],
                "period_ms": 1000, "scope": "device", "class": "A"
            },
            "wall": {
                "title": "wall", "device": "pi", "source": {"kind": "mqtt", "broker": "lab7:1883", "topic": "home/lounge"},
                "format": {"kind": "plain"}, "fields": [], "period_ms": 1000, "scope": "device", "class": "A",
                "host": {"device": "pi", "transport": {"kind": "ssh", "host": "lab-pi.example.org"}}
            },
            "line": {
                "title": "line", "device": "pi", "source": {"kind": "lines", "argv": ["read", "passw0rd"]},
                "format": {"kind": "plain"}, "fields": [], "period_ms": 1000, "scope": "device", "class": "A"
            }
        }
    });
    serde_json::from_value(plan).expect("a plan")
}

fn facts() -> DeviceFacts {
    let facts = json!({
        "model": "Board 5", "cpu": "A76", "arch": "aarch64", "cpu_features": [], "n_cpus": 4, "n_cores": 4,
        "clusters": [], "ram_bytes": 8, "ram_available_bytes": 7, "swap_bytes": 0, "os": "linux",
        "os_version": "12", "kernel": "6.6", "host": "lab7", "boot_id": "4b2c-boot", "hypervisor": null,
        "free_bytes": 9, "battery_status": null, "battery_percent": null,
        "load": {"busiest": [{"name": "firefox", "cpu_milli": 300}]},
        "runtimes": [{"name": "llama-server", "path": "/home/lovelace/bin/llama-server", "version": null}],
        "unread": [{"what": "x", "reason": "permission denied for lovelace@lab7"}]
    });
    serde_json::from_value(facts).expect("facts")
}

fn event(kind: &Value) -> Event {
    let mut event = json!({"run": 0, "launch": 1, "seq": 3, "at": 5});
    event.as_object_mut().expect("an object").extend(kind.as_object().expect("an object").clone());
    serde_json::from_value(event).expect("an event")
}

fn request(outcome: &Value, text: &str) -> Event {
    event(&json!({
        "event": "request", "idx": 0, "prompt_id": "p1", "due_at": null, "sent_at": 10, "ended_at": 90,
        "outcome": outcome, "finish": "stop",
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "cached_tokens": null, "source": "engine"},
        "timings": null, "chunk_ns": [20, 30, 40], "chunk_kind": ["role", "content", "content"],
        "chunk_tokens": [null, 1, 2], "chunk_bytes": [0, 11, 5], "text": text
    }))
}

fn clean(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_string(value).expect("JSON");
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    text
}

#[test]
fn nothing_of_a_plan_is_left_that_names_or_quotes_anybody() {
    for mode in [RedactionMode::Drop, RedactionMode::Hash] {
        let (whole, mut plan) = (plan(), plan());
        Redactor::new(mode).plan(&mut plan);
        clean(&plan);
        assert_eq!((plan.devices.len(), plan.prompts.len()), (whole.devices.len(), whole.prompts.len()));
        assert_eq!(plan.prompts[&"p1".into()].category, "mail");
        assert_eq!(plan.prompts[&"p1".into()].messages[1].content, "", "an empty text hides nothing");
        assert_eq!(plan.runtimes["fake"].settings["n_tokens"], "3");
        assert_eq!(plan.models, {
            let mut models = whole.models;
            let text = serde_json::to_string(&models["m"])
                .expect("JSON")
                .replace("/home/lovelace/", "/home/[user]/");
            models.insert("m".to_owned(), serde_json::from_str(&text).expect("a model"));
            models
        });
    }
}

#[test]
fn one_host_has_one_stand_in_in_plan_facts_and_messages() {
    let mut redactor = Redactor::new(RedactionMode::Drop);
    let (mut plan, mut facts) = (plan(), facts());
    redactor.plan(&mut plan);
    redactor.facts(&mut facts);
    clean(&facts);
    // `lab7` was met first as the host of an endpoint.
    let host = facts.host.clone().expect("a host");
    let mut words = "cannot reach lab7 (lab7:8080), nor 10.20.30.40".to_owned();
    redactor.words(&mut words);
    assert_eq!(words, format!("cannot reach {host} ({host}:8080), nor [address]"));
    assert_eq!(facts.boot_id.as_deref(), Some("[boot 1]"));
    let mut started =
        event(&json!({"event": "launch_started", "wall": 1, "n_requests": 1, "boot_id": "4b2c-boot"}));
    redactor.event(&mut started);
    assert!(clean(&started).contains("[boot 1]"), "a boot stays the same boot");
}

#[test]
fn a_request_keeps_every_figure_and_no_text() {
    let whole = request(&json!({"kind": "ok"}), "secretpaper of Müller");
    for (mode, text) in [
        (RedactionMode::Drop, "[left out]".to_owned()),
        // printf 'secretpaper of M\303\274ller' | sha256sum
        (
            RedactionMode::Hash,
            "sha256:7db6fb14376d05d0ce8c8af4f774246be64df4abf573a8ab74a42d4ae7f99731".to_owned(),
        ),
    ] {
        let mut event = whole.clone();
        Redactor::new(mode).event(&mut event);
        let found: Value = serde_json::from_str(&clean(&event)).expect("JSON");
        let mut expected = serde_json::to_value(&whole).expect("JSON");
        expected["text"] = json!(text);
        expected["chunk_bytes"] = json!([0, 1, 1]);
        assert_eq!(found, expected);
    }
}

#[test]
fn what_runtimes_say_of_failures_is_text_and_what_we_say_is_words() {
    let check = |outcome: Value, expected: Value| {
        let mut event = request(&outcome, "");
        Redactor::new(RedactionMode::Drop).event(&mut event);
        let found: Value = serde_json::from_str(&clean(&event)).expect("JSON");
        assert_eq!((&found["outcome"], &found["text"]), (&expected, &json!("")));
    };
    check(
        json!({"kind": "refused", "detail": "400: the invoice of Müller is too long"}),
        json!({"kind": "refused", "detail": "[left out]"}),
    );
    check(
        json!({"kind": "crashed", "exit": "signal 11", "stderr_tail": "secretpaper"}),
        json!({"kind": "crashed", "exit": "signal 11", "stderr_tail": "[left out]"}),
    );
    check(
        json!({"kind": "crashed", "exit": "signal 11", "stderr_tail": ""}),
        json!({"kind": "crashed", "exit": "signal 11", "stderr_tail": ""}),
    );
    check(
        json!({"kind": "oom", "detail": "killed in /home/lovelace/x"}),
        json!({"kind": "oom", "detail": "killed in /home/[user]/x"}),
    );
    check(json!({"kind": "timeout", "limit_ms": 5}), json!({"kind": "timeout", "limit_ms": 5}));
}

#[test]
fn notes_and_reasons_lose_addresses_only() {
    let mut note =
        event(&json!({"event": "note", "text": "asked by lovelace@lab7: 3 of 4 reads at 12:30:00 failed"}));
    Redactor::new(RedactionMode::Drop).event(&mut note);
    assert!(clean(&note).contains("asked by [address]: 3 of 4 reads at 12:30:00 failed"));
}

#[test]
fn that_a_socket_led_away_stays_and_where_it_led_does_not() {
    let seen = |remote: &str| {
        json!({
            "protocol": "TCP", "reach": "connected", "local": "192.168.7.9:40000", "remote": remote, "pid": 812,
            "program": "firefox", "n": 2, "first_seen": 10, "last_seen": 20
        })
    };
    let watch = |sockets: Value| {
        event(&json!({
            "event": "network", "from": 1, "to": 99, "n_looks": 4, "longest_gap_ns": 30, "n_processes": 1,
            "sockets": sockets, "n_more": 0, "cpu_ns": 3,
            "unwatched": [{"pid": 7, "program": "firefox", "reason": "closed to lovelace@lab7"}],
            "counted": {"is_shared": true, "tcp_opens": 5, "own_tcp_opens": 4, "udp_datagrams": 0, "packets_out": null}
        }))
    };
    let whole = watch(json!([seen("10.20.30.40:443"), seen("10.20.30.41:443"), seen("10.20.30.40:443")]));
    let mut event = whole.clone();
    Redactor::new(RedactionMode::Drop).event(&mut event);
    let text = clean(&event);
    assert!(!text.contains("192.168") && !text.contains("10.20.30"), "{text}");
    let (found, before): (Value, Value) =
        (serde_json::from_str(&text).expect("JSON"), serde_json::to_value(&whole).expect("JSON"));
    let remote = |place: usize| found["sockets"][place]["remote"].as_str().expect("it stays").to_owned();
    assert_eq!((remote(0), remote(0) == remote(1)), (remote(2), false));
    assert_eq!(found["sockets"][0]["program"], found["unwatched"][0]["program"]);
    for figure in ["n_looks", "longest_gap_ns", "counted", "from", "to"] {
        assert_eq!(found[figure], before[figure], "{figure}");
    }
    assert_eq!(found["sockets"][0]["reach"], "connected");
}

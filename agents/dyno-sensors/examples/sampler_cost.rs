//! What the sampler costs here: 10 s at 10 Hz with this process as the runtime's.
//!
//! `cargo run --release -p dyno-sensors --example sampler_cost [SECONDS [TREE]]`; `TREE` is a file of
//! `tests/fixtures/*.tree`, whose plain files then stand for `/proc` and `/sys`.
#![expect(clippy::print_stdout, reason = "the figures are this program's output")]

use std::path::Path;
use std::time::Duration;

use dyno_sensors::{Sampler, SamplerConfig, SysRoot, played};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let seconds: u64 = args.first().map_or(Ok(10), |text| text.parse())?;
    let (root, runtime_pid) = match args.get(1) {
        Some(tree) => (laid_out(tree)?, None),
        None => (SysRoot::real(), Some(std::process::id())),
    };
    let sampler = Sampler::start(SamplerConfig { root, period_ms: 100, runtime_pid })?;
    for sensor in sampler.declared() {
        let sites: Vec<String> =
            sensor.channels.iter().map(|c| format!("{:?} {}", c.quantity, c.site)).collect();
        println!("{:>2} {:<12} {}", sensor.sensor, sensor.driver, sites.join(", "));
    }
    let n_channels: usize = sampler.declared().iter().map(|sensor| sensor.channels.len()).sum();
    for sensor in sampler.unreadable() {
        println!("not sampled: {} {}: {}", sensor.driver, sensor.what, sensor.reason);
    }
    std::thread::sleep(Duration::from_secs(seconds));
    let (batches, own) = sampler.stop();
    let n_ticks = batches.iter().map(|batch| batch.at_ns.len()).max().unwrap_or(0);
    let per_tick_ns = own.sampler_cpu_ns / n_ticks.max(1) as u64;
    let of_a_core = own.sampler_cpu_ns as f64 / own.wall_ns as f64;
    println!("channels {n_channels}, ticks {n_ticks}, rows {}, dropped {}", own.n_rows, own.n_dropped);
    println!("CPU per tick {per_tick_ns} ns, {:.4} % of one core", of_a_core * 100.0);
    println!(
        "whole process {} ns of CPU in {} ns, peak RSS {:?} bytes",
        own.cpu_ns, own.wall_ns, own.peak_rss_bytes
    );
    println!(
        "lateness p50 {:?}, p99 {:?}, max {:?} ns",
        own.lateness_p50_ns, own.lateness_p99_ns, own.lateness_max_ns
    );
    Ok(())
}

/// A tree in a folder beside the program, which later runs write over.
fn laid_out(tree: &str) -> Result<SysRoot, Box<dyn std::error::Error>> {
    let name = Path::new(tree).file_stem().ok_or("a file of a tree is wanted")?;
    let top = std::env::temp_dir().join("sampler_cost").join(name);
    if top.exists() {
        std::fs::remove_dir_all(&top)?;
    }
    played::lay_out(&std::fs::read_to_string(tree)?, &top)?;
    Ok(SysRoot::tree(top))
}

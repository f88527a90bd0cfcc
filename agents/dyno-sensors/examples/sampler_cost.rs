//! What the sampler costs here: 10 s at 10 Hz with this process as the runtime's.
//!
//! `cargo run --release -p dyno-sensors --example sampler_cost [SECONDS]`
#![expect(clippy::print_stdout, reason = "the figures are this program's output")]

use std::time::Duration;

use dyno_sensors::{Sampler, SamplerConfig, SysRoot};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds: u64 = std::env::args().nth(1).map_or(Ok(10), |text| text.parse())?;
    let runtime_pid = Some(std::process::id());
    let sampler = Sampler::start(SamplerConfig { root: SysRoot::real(), period_ms: 100, runtime_pid })?;
    for sensor in sampler.declared() {
        let sites: Vec<String> =
            sensor.channels.iter().map(|c| format!("{:?} {}", c.quantity, c.site)).collect();
        println!("{:>2} {:<8} {}", sensor.sensor, sensor.driver, sites.join(", "));
    }
    for sensor in sampler.unreadable() {
        println!("not sampled: {} {}: {}", sensor.driver, sensor.what, sensor.reason);
    }
    std::thread::sleep(Duration::from_secs(seconds));
    let (batches, own) = sampler.stop();
    let n_ticks =
        batches.iter().filter(|batch| batch.sensor == 0).map(|batch| batch.at_ns.len()).sum::<usize>();
    let per_tick_ns = own.sampler_cpu_ns / n_ticks.max(1) as u64;
    let of_a_core = own.sampler_cpu_ns as f64 / own.wall_ns as f64;
    println!("ticks {n_ticks}, rows {}, dropped {}", own.n_rows, own.n_dropped);
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

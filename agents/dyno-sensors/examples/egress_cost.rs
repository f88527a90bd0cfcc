//! What watching sockets costs here: a process with so many connections on loopback, for so many seconds.
//!
//! `cargo run --profile agent -p dyno-sensors --example egress_cost [SECONDS [CONNECTIONS [PID]]]`
#![expect(clippy::print_stdout, reason = "the figures are this program's output")]

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use dyno_sensors::SocketWatch;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, usual: u64| args.get(place).map_or(Ok(usual), |text| text.parse::<u64>());
    let (seconds, n_connections) = (number(0, 10)?, number(1, 16)?);
    let pid = number(2, std::process::id().into())?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut ends: Vec<(TcpStream, TcpStream)> = Vec::new();
    for _ in 0..n_connections {
        let near = TcpStream::connect(listener.local_addr()?)?;
        ends.push((near, listener.accept()?.0));
    }
    let watch = SocketWatch::start(u32::try_from(pid)?);
    std::thread::sleep(Duration::from_secs(seconds));
    let seen = watch.stop();
    let span_ns = seen.to.since(seen.from);
    println!("{} connections, {} processes, {} looks", ends.len(), seen.n_processes, seen.n_looks);
    println!(
        "CPU per look {} ns, {:.4} % of one core, longest time without a look {} ms",
        seen.cpu_ns / seen.n_looks.max(1),
        seen.cpu_ns as f64 / span_ns as f64 * 100.0,
        seen.longest_gap_ns / 1_000_000
    );
    println!("{seen:#?}");
    Ok(())
}

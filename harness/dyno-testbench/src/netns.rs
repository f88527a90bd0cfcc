//! Network namespaces as cables: one veth pair to each device.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;

use crate::BenchError;
use crate::program::{find, make_folder, need_root, run};
use crate::undo::{Undo, next_number, shared_folder};

const PACKAGE: &str = "iproute2";
/// The number of blocks of four addresses in 10.77.0.0/16.
const N_BLOCKS: u32 = 1 << 14;

/// A network namespace with one link to this machine; removed on drop.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    /// Our end; the device's is `eth0`.
    link: String,
    block: u32,
    _undo: Undo,
}

impl Namespace {
    /// Makes a namespace with a link of its own, up at both ends; no way leads from it to any other network.
    ///
    /// # Errors
    /// Without root, without `iproute2`, or on a kernel without namespaces.
    pub fn new() -> Result<Self, BenchError> {
        need_root("a network namespace")?;
        let (pid, number) = (std::process::id(), next_number());
        let (name, link) = (format!("dyno{pid}x{number}"), format!("dv{pid}x{number}"));
        let (block, lock) = free_block()?;
        let lock = lock.display();
        let undo = Undo::new(&format!(
            "ip netns del {name} 2>/dev/null; ip link del {link} 2>/dev/null; rm -f {lock}"
        ))?;
        let namespace = Self { name, link, block, _undo: undo };
        let (name, link) = (&namespace.name, &namespace.link);
        ip(&["netns", "add", name])?;
        ip(&["link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name])?;
        ip(&["addr", "add", &format!("{}/30", namespace.host_address()), "dev", link])?;
        ip(&["link", "set", link, "up"])?;
        ip(&["-n", name, "addr", "add", &format!("{}/30", namespace.address()), "dev", "eth0"])?;
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        namespace.link_up()?;
        Ok(namespace)
    }

    /// Its name for `ip netns`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of the device.
    pub fn address(&self) -> Ipv4Addr {
        block_address(self.block, 2)
    }

    /// The address of this machine, as the device sees it.
    pub fn host_address(&self) -> Ipv4Addr {
        block_address(self.block, 1)
    }

    /// Pulls the cable, at the device's end.
    ///
    /// # Errors
    /// When `ip` refuses.
    pub fn link_down(&self) -> Result<(), BenchError> {
        ip(&["-n", &self.name, "link", "set", "eth0", "down"])
    }

    /// Plugs the cable in again.
    ///
    /// # Errors
    /// When `ip` refuses.
    pub fn link_up(&self) -> Result<(), BenchError> {
        ip(&["-n", &self.name, "link", "set", "eth0", "up"])
    }

    /// Limits both directions to this many megabits a second (a token bucket of 32 KiB).
    ///
    /// # Errors
    /// When `tc` refuses.
    pub fn limit_rate(&self, mbit_per_s: u32) -> Result<(), BenchError> {
        let rate = format!("{mbit_per_s}mbit");
        let bucket = ["root", "tbf", "rate", &rate, "burst", "32k", "latency", "400ms"];
        let tc = find("tc", PACKAGE)?;
        run(Command::new(&tc).args(["qdisc", "replace", "dev", &self.link]).args(bucket))?;
        run(Command::new(&tc).args(["-n", &self.name, "qdisc", "replace", "dev", "eth0"]).args(bucket))?;
        Ok(())
    }

    /// Loses this share of the packets that arrive at the device, at random; 0 ends it.
    ///
    /// # Errors
    /// When `nft` is not installed or refuses.
    pub fn lose(&self, percent: u32) -> Result<(), BenchError> {
        find("nft", "nftables")?;
        let rules = "nft add table inet dyno; nft delete table inet dyno; nft add table inet dyno; \
                     nft 'add chain inet dyno in { type filter hook input priority 0; }'; \
                     nft \"add rule inet dyno in iifname eth0 numgen random mod 100 < $1 counter drop\"";
        run(self.command("sh").args(["-ec", rules, "lose", &percent.to_string()])).map(|_| ())
    }

    /// A command that runs inside.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }
}

fn ip(args: &[&str]) -> Result<(), BenchError> {
    run(Command::new(find("ip", PACKAGE)?).args(args)).map(|_| ())
}

fn block_address(block: u32, host: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 77, 0, 0)) + block * 4 + host)
}

/// A block that no other test uses, and the file that says so.
fn free_block() -> Result<(u32, PathBuf), BenchError> {
    let folder = shared_folder("net")?;
    make_folder(&folder)?;
    let used = run(Command::new(find("ip", PACKAGE)?).args(["-o", "-4", "addr"]))?.text();
    for offset in 0..N_BLOCKS {
        let block = (std::process::id() + offset) % N_BLOCKS;
        let file = folder.join(block.to_string());
        if used.contains(&format!(" {}/", block_address(block, 1))) {
            continue;
        }
        if std::fs::File::create_new(&file).is_ok() {
            return Ok((block, file));
        }
    }
    Err(BenchError::Answer { what: "10.77.0.0/16".to_owned(), answer: "no address is free".to_owned() })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{Ipv4Addr, Shutdown, TcpStream, UdpSocket};
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    use super::Namespace;
    use crate::program::{run, wait_for};

    #[test]
    fn a_limited_link_takes_the_time_that_it_should() {
        let namespace = Namespace::new().expect("a namespace");
        namespace.limit_rate(8).expect("tc does it");
        let mut sink = namespace.command("busybox");
        sink.args(["nc", "-l", "-p", "9000"]).stdin(Stdio::null()).stdout(Stdio::null());
        let mut sink = sink.spawn().expect("a sink starts");
        let connect = || TcpStream::connect((namespace.address(), 9000)).ok();
        let mut stream = wait_for("sink", Duration::from_secs(10), String::new, connect).expect("it listens");
        let begun = Instant::now();
        stream.write_all(&vec![0; 1_000_000]).expect("it can be sent");
        stream.shutdown(Shutdown::Write).expect("it ends");
        sink.wait().expect("the sink ends");
        // 8 Mbit/s are 1 MB/s; the bucket holds 32 KiB.
        assert!(begun.elapsed() > Duration::from_millis(900), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_lossy_link_loses_about_its_share() {
        let namespace = Namespace::new().expect("a namespace");
        // A refused connection resolves the address, so that no datagram waits for that.
        TcpStream::connect((namespace.address(), 9)).expect_err("nobody listens");
        namespace.lose(50).expect("nft does it");
        let socket = UdpSocket::bind((namespace.host_address(), 0)).expect("a socket");
        for _ in 0..1000 {
            socket.send_to(b"x", (namespace.address(), 9)).expect("it can be sent");
        }
        let lost = || {
            let rules = run(namespace.command("nft").args(["list", "ruleset"])).expect("nft does it").text();
            let (_, after) = rules.split_once("counter packets ").expect("it counts");
            after.split(' ').next().and_then(|word| word.parse::<u32>().ok()).expect("a number")
        };
        // Binomial with n 1000, p 1/2: six standard deviations are 95.
        assert!((405..=595).contains(&lost()), "{}", lost());
        namespace.lose(0).expect("nft does it");
        assert_eq!(lost(), 0);
    }

    #[test]
    fn blocks_of_four_addresses_do_not_overlap() {
        assert_eq!(super::block_address(0, 2), Ipv4Addr::new(10, 77, 0, 2));
        assert_eq!(super::block_address(64, 1), Ipv4Addr::new(10, 77, 1, 1));
        assert_eq!(super::block_address(16_383, 2), Ipv4Addr::new(10, 77, 255, 254));
    }
}

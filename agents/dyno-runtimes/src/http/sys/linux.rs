//! Linux and Android: epoll, timerfd, `SO_TIMESTAMPNS`.
#![expect(unsafe_code, reason = "epoll, timerfd and recvmsg's control messages have no equivalents in std")]

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use dyno_model::clock::{MonoNs, monotonic_now};

use super::{Interest, Ready, Received};

/// One wait tells of so many at most; the rest follow with the next.
const N_EVENTS: i32 = 256;
/// The timer's own key.
const TIMER: u64 = u64::MAX;
/// Room for one timestamp's control message (24 to 32 bytes) and for strangers.
const CONTROL_WORDS: usize = 16;
/// `SCHED_RESET_ON_FORK` of the kernel's `uapi/linux/sched.h`, which not every C library names.
const RESET_ON_FORK: libc::c_int = 0x4000_0000;

/// Waits for many descriptors and one instant.
pub(crate) struct Poller {
    epoll: OwnedFd,
    timer: OwnedFd,
    /// What the timer is set to; 0 is not at all.
    armed: MonoNs,
    events: Box<[libc::epoll_event]>,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes a plain number.
        let epoll = owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: takes plain numbers.
        let timer =
            unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK) };
        let timer = owned(timer)?;
        let events = vec![libc::epoll_event { events: 0, u64: 0 }; N_EVENTS as usize].into_boxed_slice();
        let poller = Self { epoll, timer, armed: MonoNs(0), events };
        // An edge: the timer need not be read, for setting it anew takes its ticks away.
        let edge = (libc::EPOLLIN | libc::EPOLLET).cast_unsigned();
        poller.control(libc::EPOLL_CTL_ADD, poller.timer.as_raw_fd(), edge, TIMER)?;
        Ok(poller)
    }

    /// Watches `what` from now on; closing it ends that.
    pub(crate) fn add(&mut self, what: &impl AsRawFd, key: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, what.as_raw_fd(), bits(interest), key)
    }

    /// Watches it for something else.
    pub(crate) fn change(&mut self, what: &impl AsRawFd, key: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, what.as_raw_fd(), bits(interest), key)
    }

    /// Forgets it; must be called before it is closed.
    #[expect(clippy::unused_self, reason = "elsewhere there is something to forget")]
    pub(crate) fn remove(&mut self, _what: &impl AsRawFd, _key: u64) {}

    /// Fills `ready` with what is ready, at the latest at `until`.
    pub(crate) fn wait(&mut self, until: MonoNs, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        let timeout_ms = if until <= monotonic_now() { 0 } else { self.arm(until)? };
        // SAFETY: the pointer is to `N_EVENTS` live events.
        let n = unsafe {
            libc::epoll_wait(self.epoll.as_raw_fd(), self.events.as_mut_ptr(), N_EVENTS, timeout_ms)
        };
        if n < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) };
        }
        let n = usize::try_from(n).unwrap_or(0);
        ready.extend(
            self.events[..n].iter().map(|event| Ready { key: event.u64 }).filter(|one| one.key != TIMER),
        );
        Ok(())
    }

    /// Sets the timer, and says how long `epoll_wait` may sleep: without a limit, for the timer is one.
    fn arm(&mut self, until: MonoNs) -> io::Result<i32> {
        if self.armed == until {
            return Ok(-1);
        }
        // Of no clock that counts from the boot so many seconds have passed; the second conversion cannot fail then.
        let secs = (until.0 / 1_000_000_000).min(i32::MAX.unsigned_abs().into());
        let value = libc::timespec {
            tv_sec: secs.try_into().unwrap_or_default(),
            tv_nsec: (until.0 % 1_000_000_000).try_into().unwrap_or_default(),
        };
        let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let spec = libc::itimerspec { it_interval: zero, it_value: value };
        let timer = self.timer.as_raw_fd();
        // SAFETY: the first pointer is to a live spec; a null second one asks for nothing back.
        let rc = unsafe {
            libc::timerfd_settime(timer, libc::TFD_TIMER_ABSTIME, &raw const spec, std::ptr::null_mut())
        };
        if rc != 0 {
            return Err(io::Error::last_os_error());
        }
        self.armed = until;
        Ok(-1)
    }

    fn control(&self, op: i32, fd: RawFd, events: u32, key: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events, u64: key };
        // SAFETY: the pointer is to a live event, which the kernel copies.
        let rc = unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), op, fd, &raw mut event) };
        if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// Asks the kernel to stamp what comes in over `socket`.
pub(crate) fn stamp_receives(socket: &TcpStream) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the pointer is to a live int of the length that is given.
    let rc = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPNS,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Receives without waiting.
pub(crate) fn receive(socket: &TcpStream, room: &mut [u8]) -> io::Result<Received> {
    let mut control = [0_u64; CONTROL_WORDS];
    let mut part = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
    // SAFETY: all-zero bytes are a valid `msghdr`: no name, no parts, no control.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: every pointer in the message is to live memory of the length beside it.
    let n = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) };
    let n = usize::try_from(n).map_err(|_negative| io::Error::last_os_error())?;
    Ok(Received { n, wall_ns: stamp_of(&message) })
}

/// The receive timestamp among a message's control messages.
fn stamp_of(message: &libc::msghdr) -> Option<u64> {
    // SAFETY: the message was filled by `recvmsg`, and its control buffer is alive.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(message) };
    // The buffer has room for a few only.
    for _ in 0..CONTROL_WORDS {
        if header.is_null() {
            return None;
        }
        // SAFETY: not null, so within the control buffer, which is aligned for it.
        let one = unsafe { header.read() };
        if one.cmsg_level == libc::SOL_SOCKET && one.cmsg_type == libc::SCM_TIMESTAMPNS {
            // SAFETY: points to the data of a header within the control buffer.
            let data = unsafe { libc::CMSG_DATA(header) };
            let n_bytes = (one.cmsg_len as usize).saturating_sub(data.addr() - header.addr());
            return timespec_ns(data, n_bytes);
        }
        // SAFETY: as for the first.
        header = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    None
}

/// A kernel's timespec, whose numbers are as wide as that kernel's, not as a C library's.
fn timespec_ns(data: *const u8, n_bytes: usize) -> Option<u64> {
    let (secs, nanos) = if n_bytes >= size_of::<[i64; 2]>() {
        // SAFETY: so many bytes are there, and any bytes are numbers.
        let [secs, nanos] = unsafe { data.cast::<[i64; 2]>().read_unaligned() };
        (secs, nanos)
    } else if n_bytes >= size_of::<[i32; 2]>() {
        // SAFETY: as above.
        let [secs, nanos] = unsafe { data.cast::<[i32; 2]>().read_unaligned() };
        (i64::from(secs), i64::from(nanos))
    } else {
        return None;
    };
    let (secs, nanos) = (u64::try_from(secs).ok()?, u64::try_from(nanos).ok()?);
    (secs > 0).then(|| secs.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// `SCHED_OTHER` and `SCHED_NORMAL`: each C library has one of the names.
const ORDINARY: libc::c_int = 0;

/// Puts the calling thread before all ordinary ones; not the threads and processes that it begins.
pub(crate) fn be_urgent() -> io::Result<()> {
    // SAFETY: takes a plain number; 0 is the calling thread.
    let policy = unsafe { libc::syscall(libc::SYS_sched_getscheduler, 0) };
    if policy != libc::c_long::from(ORDINARY) {
        // Somebody has decided already.
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    schedule(libc::SCHED_FIFO | RESET_ON_FORK, 1)
}

/// Makes the calling thread an ordinary one again.
pub(crate) fn be_ordinary() -> io::Result<()> {
    schedule(ORDINARY, 0)
}

/// As system calls, for musl refuses what it cannot do for a whole process.
fn schedule(policy: libc::c_int, priority: libc::c_int) -> io::Result<()> {
    // SAFETY: takes plain numbers, 0 for the calling thread, and a pointer to a live `sched_param`, which is one int.
    let rc = unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const priority) };
    if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Does nothing until `end`, or a little longer (the timer slack, 50 us): what arrives is stamped all the same.
pub(crate) fn rest_until(end: MonoNs) {
    let left_ns = end.since(monotonic_now());
    if left_ns > 0 {
        std::thread::sleep(std::time::Duration::from_nanos(left_ns));
    }
}

/// CPU time of the calling thread; `None` where the system does not tell.
pub(crate) fn thread_cpu_ns() -> Option<u64> {
    let mut spec = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live, writable timespec.
    let rc = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut spec) };
    (rc == 0).then_some(spec.tv_sec as u64 * 1_000_000_000 + spec.tv_nsec as u64)
}

fn bits(interest: Interest) -> u32 {
    match interest {
        Interest::Read => (libc::EPOLLIN | libc::EPOLLRDHUP).cast_unsigned(),
        Interest::Write => libc::EPOLLOUT.cast_unsigned(),
    }
}

fn owned(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

//! Many sends in one system call, by io_uring (Linux, `io_uring(7)`), where the configuration asks for it and the kernel lets
//! us: container runtimes' seccomp profiles mostly do not. It saves the way into the kernel and back for each client, and
//! the switches to those who are woken in between.

use io_uring::{IoUring, opcode, types};
use std::io;
use std::os::fd::RawFd;

/// How many sends go in one call.
pub const MOST: usize = 1024;

/// `MSG_DONTWAIT | MSG_NOSIGNAL` of Linux: a full socket is an answer, and so is one that is closed.
const FLAGS: i32 = 0x40 | 0x4000;

pub struct Uring(IoUring);

impl Uring {
    /// Why there is none, if the kernel does not let us.
    pub fn new() -> io::Result<Self> {
        Ok(Self(IoUring::new(MOST as u32)?))
    }

    /// Sends the same bytes to all of at most [`MOST`] sockets. `took` is told of each, by its place in `sockets` and not in their
    /// order, how many bytes it took: fewer than all when it is full. When the ring itself fails, those of whom nothing
    /// was told were sent nothing.
    pub fn send(
        &mut self,
        sockets: &[RawFd],
        bytes: &[u8],
        mut took: impl FnMut(usize, io::Result<usize>),
    ) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        for (place, socket) in sockets.iter().enumerate() {
            let send = opcode::Send::new(types::Fd(*socket), bytes.as_ptr(), length).flags(FLAGS);
            // SAFETY: the kernel reads `bytes` and nothing else, and is done with it when it has told of this entry; this
            // function returns only then, see below.
            #[expect(unsafe_code, reason = "the kernel is given a pointer")]
            let pushed = unsafe { self.0.submission().push(&send.build().user_data(place as u64)) };
            pushed.map_err(io::Error::other)?;
        }
        let mut told = 0;
        while told < sockets.len() {
            if let Err(error) = self.0.submit_and_wait(sockets.len() - told)
                && error.kind() != io::ErrorKind::Interrupted
            {
                // Sends that do not wait are over when they are submitted, so none of these is under way.
                return Err(error);
            }
            for entry in self.0.completion() {
                told += 1;
                let place = usize::try_from(entry.user_data()).unwrap_or(usize::MAX);
                took(place, outcome(entry.result()));
            }
        }
        Ok(())
    }
}

fn outcome(result: i32) -> io::Result<usize> {
    let Ok(sent) = usize::try_from(result) else {
        let error = io::Error::from_raw_os_error(-result);
        return if error.kind() == io::ErrorKind::WouldBlock { Ok(0) } else { Err(error) };
    };
    Ok(sent)
}

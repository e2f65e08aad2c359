//! A forked process, which reports texts through a pipe.

use std::io::{BufRead as _, BufReader, PipeReader, Read as _, Write as _, pipe};
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) struct Child {
    process: libc::pid_t,
    reports: BufReader<PipeReader>,
}

impl Child {
    /// Forks, and runs a function in the child.
    pub(crate) fn fork(run: impl FnOnce() -> Vec<String>) -> Self {
        let (reader, mut writer) = pipe().expect("a pipe");
        #[allow(unsafe_code, reason = "no other thread of this program holds a lock")]
        // SAFETY: the other thread of the test program only waits for this one.
        let process = unsafe { libc::fork() };
        if process == 0 {
            // The child ends here, and never goes on with the test of its parent.
            let run = AssertUnwindSafe(|| {
                for text in run() {
                    writeln!(writer, "{text}").expect("the parent reads");
                }
            });
            let status = i32::from(catch_unwind(run).is_err());
            #[allow(
                unsafe_code,
                reason = "`exit` would run what the parent has registered"
            )]
            // SAFETY: always safe to call.
            unsafe {
                libc::_exit(status)
            }
        }
        assert!(process > 0, "the fork failed");
        Self {
            process,
            reports: BufReader::new(reader),
        }
    }

    /// Waits until the child has ended. Returns what it reported.
    pub(crate) fn finish(&mut self) -> Vec<String> {
        let lines = self.reports.by_ref().lines();
        let reports = lines.collect::<Result<_, _>>().expect("texts");
        let mut status = 0;
        #[allow(unsafe_code, reason = "calls `waitpid`")]
        // SAFETY: `status` is a valid place for the result.
        let ended = unsafe { libc::waitpid(self.process, &raw mut status, 0) };
        assert_eq!((ended, status), (self.process, 0), "the child failed");
        reports
    }
}

//! Pins processes to processors. Waking a process on another processor costs three times as much as
//! on the same one, so the system's placement would favor one side.

use std::process::{Command, Stdio};

/// The processor that all servers share; only one of them is busy at a time. The client uses another one.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    server: usize,
}

impl Places {
    /// Pins this process to the first allowed processor; servers use the last.
    pub fn take() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let list = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
            .expect("a list of processors");
        // Such as `0-3,6`.
        let numbers: Vec<usize> = list
            .split([',', '-'])
            .map(|number| number.trim().parse().expect("a processor"))
            .collect();
        let [client, .., server] = numbers[..] else {
            panic!("the client and the server need one processor each");
        };
        pin(std::process::id(), client);
        Self { server }
    }

    pub fn put_server(self, process: u32) {
        pin(process, self.server);
    }
}

fn pin(process: u32, processor: usize) {
    let taskset = Command::new("taskset")
        .args(["-cp", &processor.to_string(), &process.to_string()])
        .stdout(Stdio::null())
        .status()
        .expect("`taskset`, of util-linux");
    assert!(taskset.success(), "processor {processor} is not available");
}

//! What devices say of themselves and of what was done to them, without texts and names.

use dyno_model::device::{AndroidFacts, BusyProcess, DeviceFacts, LoadFacts, RuntimeFound};
use dyno_model::machine::MachineFigures;
use dyno_model::meter::{KnockVerdict, MeterKnocked, Metered};
use dyno_model::prepare::{CommandRun, Prepared, PreparedSetting, Restored, RestoredSetting};
use dyno_model::sensor_test::{SourceTest, SourceVerdict};

use crate::redact::{Kind, Redactor};

impl Redactor {
    /// Takes host, boot and other processes out of a device's facts.
    pub fn facts(&mut self, facts: &mut DeviceFacts) {
        // What a board is and can do stays: the figures are of nothing else.
        let DeviceFacts {
            model: _,
            cpu: _,
            arch: _,
            cpu_features: _,
            n_cpus: _,
            n_cores: _,
            clusters: _,
            ram_bytes: _,
            ram_available_bytes: _,
            swap_bytes: _,
            os: _,
            os_version: _,
            kernel,
            host,
            boot_id,
            hypervisor: _,
            free_bytes: _,
            battery_status: _,
            battery_percent: _,
            soc: _,
            compatible: _,
            userland_bits: _,
            swap_used_bytes: _,
            uptime_s: _,
            load,
            android,
            work_disk: _,
            battery: _,
            thermal_zones,
            cooling: _,
            energy_sources,
            accelerators: _,
            runtimes,
            power: _,
            unread,
        } = facts;
        self.maybe_name(Kind::Host, host.as_mut());
        self.maybe_name(Kind::Boot, boot_id.as_mut());
        self.maybe_words(kernel.as_mut());
        if let Some(LoadFacts { load1_milli: _, busy_milli: _, steal_milli: _, window_ms: _, busiest }) = load
        {
            for BusyProcess { name, cpu_milli: _ } in busiest {
                self.name(Kind::Process, name);
            }
        }
        if let Some(AndroidFacts { fingerprint, .. }) = android {
            self.maybe_words(fingerprint.as_mut());
        }
        for RuntimeFound { name: _, path, version: _ } in runtimes {
            self.words(path);
        }
        for of in unread {
            self.words(&mut of.reason);
        }
        for of in energy_sources {
            self.maybe_words(of.unread.as_mut());
        }
        for of in thermal_zones {
            self.maybe_words(of.unread.as_mut());
        }
    }

    /// Takes names out of what a device was brought into.
    pub fn prepared(&mut self, prepared: &mut Prepared) {
        let Prepared { leftover, commands, settings } = prepared;
        if let Some(leftover) = leftover {
            self.restored(leftover);
        }
        for run in commands {
            self.command_run(run);
        }
        for PreparedSetting { setting: _, before, asked, after, problem, hint } in settings {
            self.words(asked);
            for words in [before, after, problem, hint] {
                self.maybe_words(words.as_mut());
            }
        }
    }

    /// Takes names out of what became of that.
    pub fn restored(&mut self, restored: &mut Restored) {
        let Restored {
            campaign: _,
            prepared_at: _,
            rebooted: _,
            settings,
            commands,
            commands_pending: _,
            problems,
        } = restored;
        for run in commands {
            self.command_run(run);
        }
        self.all_words(problems);
        for RestoredSetting { setting: _, before, found, now, fate: _, problem } in settings {
            self.words(before);
            for words in [found, now, problem] {
                self.maybe_words(words.as_mut());
            }
        }
    }

    fn command_run(&self, run: &mut CommandRun) {
        let CommandRun { argv, exit, wall_ns: _, output_tail, problem } = run;
        self.command(argv);
        self.text(output_tail);
        self.maybe_words(exit.as_mut());
        self.maybe_words(problem.as_mut());
    }

    /// Takes names out of what was measured of a machine.
    pub fn machine(&mut self, figures: &mut MachineFigures) {
        let MachineFigures { clusters: _, wall_ns: _, notes } = figures;
        self.all_words(notes);
    }

    /// Takes names out of what came of trying sources of power.
    pub fn sensor_tests(&mut self, tests: &mut [SourceTest]) {
        for test in tests {
            match &mut test.verdict {
                SourceVerdict::Usable | SourceVerdict::Negated => {}
                SourceVerdict::Untried { why } | SourceVerdict::Unusable { why } => self.words(why),
            }
        }
    }

    /// Takes names out of what a meter said.
    pub fn metered(&mut self, metered: &mut Metered) {
        let Metered { meter: _, declared: _, batch: _, clock: _, counts } = metered;
        self.maybe_words(counts.last_failure.as_mut());
    }

    /// Takes names out of what came of trying a meter.
    pub fn meter_knocked(&mut self, knocked: &mut MeterKnocked) {
        match &mut knocked.verdict {
            KnockVerdict::Aligned | KnockVerdict::Placed => {}
            KnockVerdict::Unaligned { why } => self.words(why),
        }
    }
}

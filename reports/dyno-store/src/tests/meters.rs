//! Rows of meters from the journal to the tables.

use dyno_model::clock::{MonoNs, WallNs};
use dyno_model::ids::RunId;
use dyno_model::meter::{
    ClockMap, FIRST_METER_SENSOR, KnockVerdict, METER_DRIVER, MeterCounts, MeterKnocked, Metered,
    UNALIGNED_DRIVER,
};
use dyno_model::sample::{AccuracyClass, Channel, Quantity, SampleBatch, Scope, SensorDeclared};
use tempfile::tempdir;

use super::sample::{campaign, launch, session};
use crate::{Journal, JournalEntry, Tables};

fn metered(run: u32, at_ns: &[u64], values: &[i64], counts: MeterCounts) -> JournalEntry {
    let channel = Channel {
        scope: Some(Scope::Device),
        ..Channel::new(Quantity::PowerUw, "plug", AccuracyClass::A, 1000)
    };
    let metered = Metered {
        meter: "plug".to_owned(),
        declared: SensorDeclared {
            sensor: FIRST_METER_SENSOR,
            driver: METER_DRIVER.to_owned(),
            channels: vec![channel],
        },
        batch: SampleBatch {
            sensor: FIRST_METER_SENSOR,
            at_ns: at_ns.iter().map(|at| MonoNs(*at)).collect(),
            values: values.iter().map(|value| Some(*value)).collect(),
        },
        clock: ClockMap { offset_ns: -500, err_ns: 7 },
        counts,
    };
    JournalEntry::Metered { session: 0, run: RunId(run), launch: 1, metered: Box::new(metered) }
}

fn knocked(verdict: KnockVerdict) -> JournalEntry {
    let knocked = MeterKnocked {
        meter: "plug".to_owned(),
        loads: vec![(MonoNs(1), MonoNs(2))],
        n_rows: 30,
        shift_ns: Some(3),
        correlation_milli: Some(990),
        step_uw: Some(7_000_000),
        verdict,
    };
    JournalEntry::MeterKnocked { session: 0, knocked: Box::new(knocked) }
}

fn tables(entries: &[JournalEntry]) -> (tempfile::TempDir, Tables) {
    let dir = tempdir().expect("a folder");
    let campaign = campaign(dir.path());
    let mut journal = Journal::create(&campaign, "0.1.0", WallNs(1)).expect("a new journal");
    journal.append(&session(0)).expect("disk has room");
    for run in [0, 1] {
        journal.append_events(0, &launch(run, 1, &[0, 1])).expect("disk has room");
    }
    for entry in entries {
        journal.append(entry).expect("disk has room");
    }
    drop(journal);
    let tables = Tables::open(&campaign).expect("a good journal");
    (dir, tables)
}

#[test]
fn rows_of_a_meter_are_samples_of_the_launch_by_the_devices_clock() {
    let counts = MeterCounts { n_rows: 3, n_disordered: 2, ..MeterCounts::default() };
    let entries = [
        knocked(KnockVerdict::Aligned),
        metered(1, &[2500, 2600], &[5, 6], MeterCounts::default()),
        // The first of them would lie before all time.
        metered(1, &[400, 2700], &[9, 7], counts),
    ];
    let (_dir, tables) = tables(&entries);
    let channels = tables.channels().expect("a table");
    let meter: Vec<_> = channels.iter().filter(|row| row.driver == METER_DRIVER).collect();
    assert_eq!(meter.len(), 1, "declared twice, there once");
    assert_eq!((meter[0].run, meter[0].launch, meter[0].sensor), (1, 1, u32::from(FIRST_METER_SENSOR)));
    assert_eq!(
        (meter[0].what.class, meter[0].what.scope, meter[0].what.site.as_str()),
        (AccuracyClass::A, Some(Scope::Device), "plug")
    );
    let samples = tables.samples().expect("a table");
    let of_meter: Vec<_> = (0..samples.run.len())
        .filter(|row| samples.sensor[*row] == u32::from(FIRST_METER_SENSOR))
        .map(|row| (samples.run[row], samples.launch[row], samples.at_ns[row], samples.value[row]))
        .collect();
    assert_eq!(of_meter, [(1, 1, 2000, Some(5)), (1, 1, 2100, Some(6)), (1, 1, 2200, Some(7))]);
    let launches = tables.launches().expect("a table");
    assert_eq!(launches[0].notes, ["hello"]);
    assert_eq!(launches[1].notes, ["hello", "meter plug, since it was begun: 2 readings were out of order"]);
    // The clock and the counts are beside the tables, the rows are not.
    let others = tables.sessions().expect("a list");
    let clocks: Vec<_> = others
        .iter()
        .filter_map(|entry| match entry {
            JournalEntry::Metered { metered, .. } => Some((metered.clock.err_ns, metered.batch.at_ns.len())),
            _ => None,
        })
        .collect();
    assert_eq!(clocks, [(7, 0), (7, 0)]);
}

#[test]
fn a_meter_that_is_not_aligned_is_marked_in_all_launches_of_the_session() {
    let why = "it shows the loads 900 ms later".to_owned();
    // The knocks after the last launch are what shows it.
    let entries = [
        knocked(KnockVerdict::Aligned),
        metered(0, &[2500], &[5], MeterCounts::default()),
        metered(1, &[2600], &[5], MeterCounts::default()),
        knocked(KnockVerdict::Unaligned { why }),
    ];
    let (_dir, tables) = tables(&entries);
    let channels = tables.channels().expect("a table");
    let marked: Vec<_> = channels.iter().filter(|row| row.driver == UNALIGNED_DRIVER).collect();
    assert_eq!(
        marked.iter().map(|row| (row.run, row.what.class)).collect::<Vec<_>>(),
        [(0, AccuracyClass::D), (1, AccuracyClass::D)]
    );
    let launches = tables.launches().expect("a table");
    assert_eq!(launches[1].notes[1], "meter plug is not aligned: it shows the loads 900 ms later");
}

#[test]
fn a_meter_that_failed_is_a_note_of_each_launch() {
    let error = "cannot connect to 10.0.0.7:80".to_owned();
    let failed = JournalEntry::MeterFailed { session: 0, meter: "plug".to_owned(), error };
    let (_dir, tables) = tables(&[failed]);
    for launch in tables.launches().expect("a table") {
        assert_eq!(launch.notes[1], "meter plug could not be read: cannot connect to 10.0.0.7:80");
    }
}

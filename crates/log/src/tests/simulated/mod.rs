//! The log in a simulated life: a writer, readers, retention, a disk with every fault, and crashes
//! at any moment, each drawn from a seed, against a model of what must hold.
//!
//! What must hold after every crash: what was visible is there, byte for byte, in order and once;
//! of what was only appended some first batches are there, and nothing else; the last batch says
//! how far the source was read, which goes on from there without a row twice or left out; and
//! start, end, time range and sizes are true.
//!
//! A run says its seed. These repeat it, the second up to step 4 711:
//!
//! ```text
//! WELLHEAD_SIMULATION_SEED=42 cargo test -p wellhead-log --lib simulated_with_any_seed
//! WELLHEAD_SIMULATION_SEED=42 WELLHEAD_SIMULATION_STEPS=4711 cargo test -p wellhead-log --lib \
//!     simulated_with_any_seed
//! ```
//!
//! `WELLHEAD_SIMULATION_SEEDS` takes so many random seeds one after the other.

mod crash;
mod model;
mod source;
mod world;

use std::hash::{BuildHasher, RandomState};
use std::io::Write;

use world::World;

/// Steps of a run that nobody asked to be longer; `./check` asks for a million.
const STEPS: u64 = 20_000;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// Says something that is seen also where the test passes.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn run(seed: u64) {
    let steps = variable("WELLHEAD_SIMULATION_STEPS").unwrap_or(STEPS);
    let mut world = World::new(seed);
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        while world.steps < steps {
            world.step();
        }
    }));
    if let Err(reason) = failed {
        say(&format!(
            "\nsimulation failed at step {}; the last steps, oldest first:\n  {}\nrepeat it with\n  \
             WELLHEAD_SIMULATION_SEED={seed} WELLHEAD_SIMULATION_STEPS={} cargo test -p \
             wellhead-log --lib simulated_with_any_seed",
            world.steps,
            world.last_steps(),
            world.steps,
        ));
        std::panic::resume_unwind(reason);
    }
    assert!(steps < STEPS || world.counts.rotten > 0, "what was acknowledged was never damaged");
    say(&format!("simulated log, seed {seed}: {}", world.summary()));
}

#[test]
fn j07_simulated_with_seed_1() {
    run(1);
}

#[test]
fn j07_simulated_with_seed_2() {
    run(2);
}

#[test]
fn j07_simulated_with_seed_3() {
    run(3);
}

#[test]
fn j07_simulated_with_any_seed() {
    for _ in 0..variable("WELLHEAD_SIMULATION_SEEDS").unwrap_or(1) {
        let seed = variable("WELLHEAD_SIMULATION_SEED");
        run(seed.unwrap_or_else(|| RandomState::new().hash_one(0)));
    }
}

//! Tests of crashes, losses of power, and damaged or failing disks.

mod actor;
mod crash;
pub(super) mod damage;
mod disk;
mod interleavings;
mod power_cut;

//! No contract beyond the types: machines may be drained slowly, and nothing changes but the time.

use proptest::prelude::*;

use crate::world::{World, send};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn however_slowly_the_machines_are_drained_everything_arrives_in_order(
        drained in prop::collection::vec(1usize..4, 3),
        pauses in prop::collection::vec(0u64..3, 12),
    ) {
        let mut world = World::with_clients(&["x", "y"]);
        world.lines("x");
        world.lines("y");
        for (who, count) in ["x", "y", "server"].iter().zip(drained) {
            world.drain_slowly(who, count);
        }
        let mut expected = Vec::new();
        for (number, pause) in pauses.into_iter().enumerate() {
            world.command("x", send("y", &number.to_string()));
            expected.push(format!("x: {number}"));
            world.run(pause);
        }
        world.run(2_000);
        prop_assert_eq!(world.lines("y"), expected);
        prop_assert_eq!(world.lines("x").len(), 12);
        prop_assert_eq!(world.client("x").owed(), 0);
    }
}

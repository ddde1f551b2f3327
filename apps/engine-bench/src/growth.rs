//! Whether a read costs the same however much there is.

use std::time::Duration;

use anyhow::Result;

use crate::{
    Options, finding::Finding, load::median, reads::through_store, tables::note, world::World,
};

const FEW_ROWS: u64 = 1_000;
const FEW_TENANTS: u64 = 10;
const MANY_TENANTS: u64 = 10_000;

pub(crate) async fn measure(options: &Options) -> Result<Vec<Finding>> {
    let small = World::new("bench", "bench").await?;
    small.fill("notes", FEW_ROWS, FEW_TENANTS).await?;
    let large = World::new("bench", "bench").await?;
    large.fill("notes", options.rows, FEW_TENANTS).await?;
    let many = World::new("bench", "bench").await?;
    many.fill("notes", options.rows, MANY_TENANTS).await?;

    let time = Duration::from_secs(options.seconds);
    let rate = async |world: &World, rows, tenants| {
        anyhow::Ok(through_store(&world.store, note::Column::Id, time, rows, tenants).await?.rate)
    };
    rate(&small, FEW_ROWS, FEW_TENANTS).await?;
    // Once over the large tables, so that both are read from memory.
    rate(&large, options.rows, FEW_TENANTS).await?;
    rate(&many, options.rows, MANY_TENANTS).await?;
    let (mut by_rows, mut by_tenants) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let with_few = rate(&small, FEW_ROWS, FEW_TENANTS).await?;
        let with_rows = rate(&large, options.rows, FEW_TENANTS).await?;
        let with_tenants = rate(&many, options.rows, MANY_TENANTS).await?;
        by_rows.push(with_few / with_rows);
        by_tenants.push(with_rows / with_tenants);
    }
    let finding = |what: String, ratio: f64| Finding {
        what,
        measured: format!("{ratio:.2}"),
        target: "within 1.20".to_owned(),
        is_met: ratio <= 1.2,
    };
    Ok(vec![
        finding(
            format!("cost of a read, {} rows over {FEW_ROWS}", options.rows),
            median(&mut by_rows),
        ),
        finding(
            format!("cost of a read, {MANY_TENANTS} tenants over {FEW_TENANTS}"),
            median(&mut by_tenants),
        ),
    ])
}

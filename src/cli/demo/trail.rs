//! What the daemon decided not to tell, read from its own trail after it has stopped.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use crate::store::rows::Audit;
use crate::store::{Kv as _, SledStore, after_prefix, ledger, tables};
use crate::{app, config};

/// More lines than the day has.
const LINES: usize = 1_000;

/// How often something was not told, or called back, by reason.
pub(super) async fn not_told(config: &Path) -> anyhow::Result<BTreeMap<String, usize>> {
    let config = config::load(config, None, config::Secrets::Required).config;
    let config = config.context("its configuration is gone")?;
    let store = SledStore::open(app::store_settings(&config))?;
    let rows = store.scan(tables::AUDIT, &after_prefix(tables::AUDIT), LINES).await?;
    let mut counts = BTreeMap::new();
    for (_, value) in rows {
        for decision in ledger::decode::<Audit>(&value)?.decisions {
            if matches!(decision.act.as_str(), "suppress" | "cancel") {
                *counts.entry(decision.reason.as_str()).or_default() += 1;
            }
        }
    }
    store.close().await?;
    Ok(counts)
}

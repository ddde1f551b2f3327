//! What each program links, from the dependency graph of the features as built.

use anyhow::ensure;
use xtask::graph::linked;

#[test]
fn an_extracted_module_is_not_in_the_monolith() -> anyhow::Result<()> {
    let whole = linked("monolith", &["auth", "billing", "notifications"])?;
    ensure!(whole.contains("billing") && whole.contains("auth"), "{whole:?}");
    for module in ["auth", "billing", "notifications"] {
        let rest: Vec<&str> = ["auth", "billing", "notifications"]
            .into_iter()
            .filter(|name| *name != module)
            .collect();
        let without = linked("monolith", &rest)?;
        for own in [module.to_owned(), format!("{module}-service"), format!("{module}-migrations")]
        {
            ensure!(!without.contains(&own), "{own} is in a monolith that was built without it");
        }
        let service = linked(&format!("{module}-service"), &[])?;
        ensure!(service.contains(module), "{service:?}");
        for other in rest {
            for foreign in
                [other.to_owned(), format!("{other}-service"), format!("{other}-migrations")]
            {
                ensure!(!service.contains(&foreign), "{module}-service links {foreign}");
            }
        }
    }
    Ok(())
}

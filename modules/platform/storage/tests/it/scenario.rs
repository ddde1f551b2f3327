//! Two tenants at work at random, compared with a model that cannot mix them up.

use std::collections::BTreeMap;

use kernel::TenantId;
use proptest::{collection::vec, prelude::*};
use sea_orm::{ActiveValue::Set, ColumnTrait, sea_query::Expr};
use storage::StoreError;
use uuid::Uuid;

use crate::{
    entities::note,
    world::{World, context, note, ours, theirs},
};

#[derive(Clone, Debug)]
enum Step {
    Insert(u8),
    Update(u8, i64),
    UpdateAllBelow(i64, i64),
    Delete(u8),
    DeleteAll,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6_u8).prop_map(Step::Insert),
        3 => (0..6_u8, 0..10_i64).prop_map(|(id, stars)| Step::Update(id, stars)),
        2 => (0..10_i64, 0..10_i64).prop_map(|(below, stars)| Step::UpdateAllBelow(below, stars)),
        2 => (0..6_u8).prop_map(Step::Delete),
        1 => Just(Step::DeleteAll),
    ]
}

type Model = BTreeMap<u128, (TenantId, i64)>;

async fn run(world: &World, model: &mut Model, tenant: TenantId, step: &Step) {
    let tx = world.store.write(&context(tenant)).await.expect("a transaction");
    let id_is = |id: u8| note::Column::Id.eq(Uuid::from_u128(id.into()));
    match *step {
        Step::Insert(id) => {
            let row = note(id.into(), &format!("note {id} of {tenant}"));
            let inserted = tx.insert_new(vec![row], &[note::Column::Id]).await.expect("an insert");
            let is_new = !model.contains_key(&id.into());
            assert_eq!(inserted == 1, is_new);
            model.entry(id.into()).or_insert((tenant, 0));
        }
        Step::Update(id, stars) => {
            let row = note::ActiveModel {
                id: Set(Uuid::from_u128(id.into())),
                stars: Set(stars),
                ..Default::default()
            };
            match model.get_mut(&id.into()).filter(|(owner, _)| *owner == tenant) {
                Some((_, old)) => {
                    *old = stars;
                    assert_eq!(tx.update(row).await.expect("an update").stars, stars);
                }
                None => {
                    let missing = tx.update(row).await;
                    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
                }
            }
        }
        Step::UpdateAllBelow(below, stars) => {
            let update =
                tx.update_many::<note::Entity>().set(note::Column::Stars, Expr::val(stars));
            let updated = update.filter(note::Column::Stars.lt(below)).exec().await;
            let mut expected = 0;
            for (owner, old) in model.values_mut() {
                if *owner == tenant && *old < below {
                    *old = stars;
                    expected += 1;
                }
            }
            assert_eq!(updated.expect("an update"), expected);
        }
        Step::Delete(id) => {
            tx.delete_many::<note::Entity>().filter(id_is(id)).exec().await.expect("a deletion");
            model.retain(|key, (owner, _)| *key != u128::from(id) || *owner != tenant);
        }
        Step::DeleteAll => {
            tx.delete_many::<note::Entity>().exec().await.expect("a deletion");
            model.retain(|_, (owner, _)| *owner != tenant);
        }
    }
    tx.commit().await.expect("a commit");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn tenants_never_meet(steps in vec((any::<bool>(), step()), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let world = World::new().await;
            let mut model = Model::new();
            for (is_ours, step) in &steps {
                let tenant = if *is_ours { ours() } else { theirs() };
                run(&world, &mut model, tenant, step).await;
            }
            for tenant in [ours(), theirs()] {
                let reader = world.store.read(&context(tenant)).expect("a reader");
                let notes = reader.find::<note::Entity>().order_by_asc(note::Column::Id).all().await;
                let seen: Vec<_> = notes
                    .expect("the notes")
                    .into_iter()
                    .map(|note| (note.id.as_u128(), note.stars))
                    .collect();
                let expected: Vec<_> = model
                    .iter()
                    .filter(|(_, (owner, _))| *owner == tenant)
                    .map(|(id, (_, stars))| (*id, *stars))
                    .collect();
                assert_eq!(seen, expected);
            }
        });
    }
}

//! Who has a row of the documented handler: one under a random id, which says in its owner attribute whose it is. To
//! such a user another row would be a second one, so the jobs that enqueue leave him alone.
//!
//! Every row costs 16 bytes, 160 MB for ten million: the digests of its owner and of its key. Nothing is
//! interpreted while the table is read; whether a row stands where its user's has to is asked when the user is
//! known. Must never hold a text of a row.

use domain::{ProfileModel, UserPoolId, UserSub, Username};

use super::candidate::nothing_but;
use super::digests::Digests;
use super::progress::Progress;
use super::rows::Rows;
use super::{Context, JobError};
use crate::aws::scan::TableScan;
use crate::ports::Row;

/// The rows of a table by their owners.
pub struct Legacy {
    model: ProfileModel,
    pool: Option<UserPoolId>,
    digests: Digests,
    /// Digest of the owner, digest of the key; sorted.
    rows: Vec<(u64, u64)>,
}

impl Legacy {
    /// Scans the table for the owners of its rows. A model without an owner has no legacy rows to find, and nothing
    /// is scanned.
    ///
    /// Dropped before it is ready, it has done no harm: stop it as any other future.
    ///
    /// # Errors
    /// A scan that did not come to its end.
    pub async fn scan(context: &Context, progress: &mut Progress) -> Result<Self, JobError> {
        let config = &context.config;
        let Some(owner) = config.model.owner_attribute() else { return Ok(Self::none()) };
        let Some(pool) = &config.user_pool else { return Ok(Self::none()) };
        let table = TableScan::new(
            context.clients.dynamodb.clone(),
            config.table_name.clone(),
            config.model.key_attributes().map(str::to_owned).collect(),
            vec![owner.to_owned()],
        );
        Self::read(Rows::of(table), &config.model, pool, progress).await
    }

    /// Nobody: there is no table of the documented handler.
    pub fn none() -> Self {
        Self { model: ProfileModel::default(), pool: None, digests: Digests::default(), rows: Vec::new() }
    }

    /// Reads rows whose one text is their owner.
    async fn read(
        mut rows: Rows,
        model: &ProfileModel,
        pool: &UserPoolId,
        progress: &mut Progress,
    ) -> Result<Self, JobError> {
        let mut legacy = Self { model: model.clone(), pool: Some(pool.clone()), ..Self::none() };
        while let Some(page) = rows.next_page().await? {
            progress.add(u64::try_from(page.len()).unwrap_or(u64::MAX));
            let owned = page.iter().filter_map(|row| Some((row, row.texts.first()?.as_deref()?)));
            let digests = &legacy.digests;
            let pair = |(row, owner): (&Row, &str)| {
                (digests.text(owner), digests.key(row.key.iter().map(String::as_str)))
            };
            legacy.rows.extend(owned.map(pair));
        }
        legacy.rows.sort_unstable();
        Ok(legacy)
    }

    /// Whether this user has a row under another key than the model gives him.
    pub fn holds(&self, sub: &UserSub, username: &Username) -> bool {
        let Some(pool) = &self.pool else { return false };
        let Some(user) = nothing_but(pool, sub, username) else { return false };
        let Some(owner) = self.model.owner(&user) else { return false };
        let key = self.model.key(&user).ok();
        let key = key.map(|key| self.digests.key(key.iter().map(|(_, value)| value)));
        owner.forms().iter().any(|form| {
            let form = self.digests.text(form);
            let first = self.rows.partition_point(|(owner, _)| *owner < form);
            let mut his = self.rows.iter().skip(first).take_while(|(owner, _)| *owner == form);
            his.any(|(_, row)| Some(*row) != key)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::{CallError, ProfileRows, RowPage};

    const ANA: &str = "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11";
    const BOB: &str = "0a000000-0000-4000-8000-000000000b0b";

    /// Key and owner of each row, all in the first segment.
    struct Table(Vec<(Vec<&'static str>, Option<String>)>);

    impl ProfileRows for Table {
        async fn rows(&self, segment: u32, _: u32, _: Option<&[String]>) -> Result<RowPage, CallError> {
            let row = |(key, owner): &(Vec<&str>, Option<String>)| Row {
                key: key.iter().map(|&value| value.to_owned()).collect(),
                texts: vec![owner.clone()],
            };
            let rows = if segment == 0 { self.0.iter().map(row).collect() } else { Vec::new() };
            Ok(RowPage { rows, last: None })
        }
    }

    async fn holds(model: &ProfileModel, rows: Vec<(Vec<&'static str>, Option<String>)>) -> bool {
        let pool = UserPoolId::parse("eu-central-1_A1b2C3d4E").unwrap();
        let mut progress = Progress::new("rows", None);
        let legacy = Legacy::read(Rows::of(Table(rows)), model, &pool, &mut progress).await.unwrap();
        legacy.holds(&UserSub::parse(ANA).unwrap(), &Username::parse("ana.user").unwrap())
    }

    #[tokio::test]
    async fn a_row_of_his_under_another_key_in_each_form_of_the_owner() {
        let model = ProfileModel::default();
        for owner in [format!("{ANA}::ana.user"), ANA.to_owned(), "ana.user".to_owned()] {
            assert!(holds(&model, vec![(vec!["random"], Some(owner.clone()))]).await, "{owner}");
            assert!(!holds(&model, vec![(vec![ANA], Some(owner.clone()))]).await, "his own: {owner}");
            let both = vec![(vec![ANA], Some(owner.clone())), (vec!["random"], Some(owner.clone()))];
            assert!(holds(&model, both).await, "both: {owner}");
        }
    }

    #[tokio::test]
    async fn the_rows_of_others_and_of_nobody_are_not_his() {
        let model = ProfileModel::default();
        let others = [
            Some(format!("{BOB}::ana.user")),
            Some(format!("{ANA}::bob.user")),
            Some(BOB.to_owned()),
            Some("ana.use".to_owned()),
            None,
        ];
        for owner in others {
            assert!(!holds(&model, vec![(vec!["random"], owner.clone()), (vec![ANA], owner)]).await);
        }
    }

    #[tokio::test]
    async fn a_key_of_two_attributes_and_an_owner_of_the_models_own() {
        let model = ProfileModel::from_toml(
            "type = \"UserProfile\"\nowner = \"who\"\n[key]\npartition = { name = \"pool\", value = \"{userPoolId}\" }\nsort = { name = \"user\", value = \"{sub}\" }\n[fields]\nwho = \"{username}/{sub}\"\n",
        );
        let model = model.unwrap_or_else(|error| panic!("{:?}", error.faults));
        let owner = Some(format!("ana.user/{ANA}"));
        assert!(!holds(&model, vec![(vec!["eu-central-1_A1b2C3d4E", ANA], owner.clone())]).await);
        assert!(holds(&model, vec![(vec![ANA, "eu-central-1_A1b2C3d4E"], owner)]).await);
    }

    #[test]
    fn nobody_holds_where_nobody_was_looked_for() {
        let nobody = Legacy::none();
        assert!(!nobody.holds(&UserSub::parse(ANA).unwrap(), &Username::parse("ana.user").unwrap()));
    }
}

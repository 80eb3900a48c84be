//! The operations: what each takes, what it does to a pool, what it answers. The numbers and the rules are those
//! of the Cognito API reference.

use serde::Deserialize;
use serde_json::{Value, json};
use worker::ports::UserStatus;

use super::Pools;
use super::filter::Filter;
use super::pages::Page;
use super::pool::{Pool, nobody};
use super::protocol::{ApiError, Fault, Operation, Reply, decode};
use super::user::User;

/// "The maximum number of users": 0 to 60 (`QueryLimitType`).
const MOST_USERS: usize = 60;

/// Runs one operation.
pub(crate) fn run(pools: &Pools, operation: Operation, body: &[u8], region: &str) -> Reply {
    match operation {
        Operation::CreateUserPool => create_user_pool(pools, &decode(body)?, region),
        Operation::DescribeUserPool => {
            Ok(json!({ "UserPool": pools.get(&decode::<OfPool>(body)?.user_pool_id)?.shown() }))
        }
        Operation::DeleteUserPool => {
            let id = decode::<OfPool>(body)?.user_pool_id;
            pools.get(&id)?;
            pools.remove(&id);
            nothing()
        }
        Operation::CreateUserPoolClient => {
            let id = decode::<OfPool>(body)?.user_pool_id;
            pools.get(&id)?;
            Ok(json!({ "UserPoolClient": { "UserPoolId": id, "ClientId": pools.clients.make(&id) } }))
        }
        Operation::ListUsers => list_users(pools, &decode(body)?),
        Operation::AdminGetUser => of_user(pools, body, |pool, name| Ok(pool.meant(name)?.got())),
        Operation::SignUp => sign_up(pools, decode(body)?),
        Operation::AdminCreateUser => admin_create_user(pools, decode(body)?),
        Operation::AdminConfirmSignUp => of_user(pools, body, |pool, name| {
            let status = pool.meant(name)?.status;
            if status != UserStatus::Unconfirmed {
                let message = format!("User cannot be confirmed. Current status is {}", status.name());
                return Err(Fault::NotAuthorized.because(message));
            }
            changed(pool, name, |user| user.status = UserStatus::Confirmed)
        }),
        Operation::AdminSetUserPassword => {
            let permanent = decode::<SetPassword>(body)?.permanent;
            let status = if permanent { UserStatus::Confirmed } else { UserStatus::ForceChangePassword };
            of_user(pools, body, |pool, name| changed(pool, name, |user| user.status = status))
        }
        Operation::AdminResetUserPassword => of_user(pools, body, |pool, name| {
            changed(pool, name, |user| user.status = UserStatus::ResetRequired)
        }),
        Operation::AdminUpdateUserAttributes => {
            let given = decode::<Given>(body)?.user_attributes;
            of_user(pools, body, |pool, name| {
                changed(pool, name, |user| {
                    user.attributes.extend(given.into_iter().map(|given| (given.name, given.value)));
                })
            })
        }
        Operation::AdminDisableUser => {
            of_user(pools, body, |pool, name| changed(pool, name, |user| user.enabled = false))
        }
        Operation::AdminEnableUser => {
            of_user(pools, body, |pool, name| changed(pool, name, |user| user.enabled = true))
        }
        Operation::AdminDeleteUser => {
            of_user(pools, body, |pool, name| if pool.remove(name) { nothing() } else { Err(nobody()) })
        }
    }
}

fn nothing() -> Reply {
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfPool {
    user_pool_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OfUser {
    user_pool_id: String,
    username: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SetPassword {
    #[serde(default)]
    permanent: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    user_attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    name: String,
    #[serde(default)]
    value: String,
}

fn of_user(pools: &Pools, body: &[u8], act: impl FnOnce(&Pool, &str) -> Reply) -> Reply {
    let request: OfUser = decode(body)?;
    act(&*pools.get(&request.user_pool_id)?, &request.username)
}

fn changed(pool: &Pool, name: &str, change: impl FnOnce(&mut User)) -> Reply {
    if pool.change(name, change) { nothing() } else { Err(nobody()) }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateUserPool {
    pool_name: String,
    #[serde(default)]
    username_attributes: Vec<String>,
    #[serde(default)]
    alias_attributes: Vec<String>,
}

fn create_user_pool(pools: &Pools, request: &CreateUserPool, region: &str) -> Reply {
    if !request.username_attributes.is_empty() && !request.alias_attributes.is_empty() {
        let message = "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.";
        return Err(Fault::InvalidParameter.because(message));
    }
    let (names, aliases) = (request.username_attributes.clone(), request.alias_attributes.clone());
    let pool = pools.add(Pool::new(&request.pool_name, region, names, aliases));
    Ok(json!({ "UserPool": pool.shown() }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListUsers {
    user_pool_id: String,
    limit: Option<i64>,
    pagination_token: Option<String>,
    filter: Option<String>,
    attributes_to_get: Option<Vec<String>>,
}

fn list_users(pools: &Pools, request: &ListUsers) -> Reply {
    let pool = pools.get(&request.user_pool_id)?;
    if request.attributes_to_get.as_ref().is_some_and(|names| !names.is_empty()) {
        return Err(Fault::InvalidParameter
            .because("AttributesToGet is not offered by this local Cognito server; leave it out."));
    }
    let limit = limit(request.limit)?;
    let filter = Filter::parse(request.filter.as_deref().unwrap_or_default())?;
    let parameters = format!("{} {limit} {filter:?}", pool.id());
    let page = match request.pagination_token.as_deref() {
        None => Page { number: 0, place: 0 },
        Some(token) => pools.tokens.take(token, &parameters)?,
    };
    let size = pools.trouble.page_size(page.number).map_or(limit, |size| size.min(limit));
    let wanted = |user: &User| filter.as_ref().is_none_or(|filter| filter.finds(user));
    let (users, next) = pool.listed(page.place, size, wanted);
    // Where empty pages are made, the last may be one.
    let next = next.or_else(|| {
        let more = !users.is_empty() && pools.trouble.page_size(page.number + 1) == Some(0);
        more.then_some(usize::MAX)
    });
    let mut answer = json!({ "Users": users });
    if let Some(place) = next {
        let token = pools.tokens.give(Page { number: page.number + 1, place }, &parameters);
        answer["PaginationToken"] = Value::String(token);
    }
    Ok(answer)
}

/// "Valid Range: Minimum value of 0. Maximum value of 60." That 0 means the most is what emulators do; AWS does not say.
fn limit(asked: Option<i64>) -> Result<usize, ApiError> {
    match asked.map(usize::try_from) {
        None | Some(Ok(0)) => Ok(MOST_USERS),
        Some(Ok(limit)) if limit <= MOST_USERS => Ok(limit),
        _ => Err(Fault::InvalidParameter.because(
            "1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must have value \
             between 0 and 60",
        )),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SignUp {
    client_id: String,
    username: String,
    #[serde(default)]
    user_attributes: Vec<Attribute>,
}

fn sign_up(pools: &Pools, request: SignUp) -> Reply {
    let unknown = || Fault::ResourceNotFound.because("User pool client does not exist.");
    let pool = pools.get(&pools.clients.pool(&request.client_id).ok_or_else(unknown)?)?;
    let user = made(&pool, &request.username, request.user_attributes, UserStatus::Unconfirmed)?;
    Ok(json!({ "UserConfirmed": false, "UserSub": user.sub }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AdminCreateUser {
    user_pool_id: String,
    username: String,
    #[serde(default)]
    user_attributes: Vec<Attribute>,
}

fn admin_create_user(pools: &Pools, request: AdminCreateUser) -> Reply {
    let pool = pools.get(&request.user_pool_id)?;
    let user = made(&pool, &request.username, request.user_attributes, UserStatus::ForceChangePassword)?;
    Ok(json!({ "User": user.listed() }))
}

fn made(pool: &Pool, name: &str, given: Vec<Attribute>, status: UserStatus) -> Result<User, ApiError> {
    let mut user = User::named(name).being(status);
    user.attributes = given.into_iter().map(|given| (given.name, given.value)).collect();
    if user.attributes.remove("sub").is_some() {
        return Err(Fault::InvalidParameter.because("Cannot set the attribute sub."));
    }
    if pool.names_are_subs() {
        let attribute = pool.sign_in_attribute(name).ok_or_else(|| {
            Fault::InvalidParameter.because("Username should be an email or a phone number.")
        })?;
        user.attributes.insert(attribute.to_owned(), name.to_owned());
        user.username.clone_from(&user.sub);
    }
    let taken = pool.names_are_subs() && pool.find(name).is_some();
    if taken || !pool.add(user.clone()) {
        return Err(Fault::UsernameExists.because("User account already exists"));
    }
    Ok(user)
}

//! `wellhead group`: consumer groups, by the API.

use anyhow::{Result, anyhow, bail};
use serde_json::{Value, json};
use service::{
    Checkpoint, Code, Group, GroupCreated, GroupMember, GroupPut, GroupSeek, GroupSought, Page,
    PlaceView, TabletSeek,
};

use super::confirm;
use super::task::{all as all_tasks, path as task_path};
use crate::cli::{
    self, CodeArgs, Global, GroupCreate, GroupDelete, GroupName, GroupShow, GroupVerb,
};
use crate::client::{Client, read_secret, segment};
use crate::exit::Failure;
use crate::output::{Answer, table};

pub(super) async fn run(global: &Global, verb: GroupVerb) -> Result<Answer> {
    let client = Client::new(global)?;
    let groups_of = |task: &str| format!("wellhead group list --task {task}");
    let (lists, answer) = match verb {
        GroupVerb::List(args) => {
            ("wellhead task list".into(), list(&client, args.task.as_deref()).await)
        }
        GroupVerb::Show(args) => (groups_of(&args.group.task), show(&client, global, &args).await),
        GroupVerb::Create(args) => (groups_of(&args.task), create(&client, global, &args).await),
        GroupVerb::Seek(args) => (groups_of(&args.group.task), seek(&client, global, &args).await),
        GroupVerb::Delete(args) => {
            (groups_of(&args.group.task), delete(&client, global, &args).await)
        }
    };
    answer.map_err(|error| Failure::with_list(error, &lists))
}

fn path(task: &str, group: &str) -> String {
    format!("{}/groups/{}", task_path(task), segment(group))
}

/// The groups of one task, or of all.
async fn list(client: &Client, only: Option<&str>) -> Result<Answer> {
    let tasks = match only {
        Some(task) => vec![task.to_owned()],
        None => all_tasks(client).await?.into_iter().map(|task| task.name).collect(),
    };
    let mut groups = Vec::new();
    for task in tasks {
        let page: Page<Group> = client.get(&format!("{}/groups", task_path(&task))).await?;
        groups.extend(page.items);
    }
    let mut answer = Answer::data(listed(&groups), json!(groups));
    if groups.is_empty() {
        answer.text.clear();
        answer.summary = match only {
            Some(task) => format!(
                "task {task} has no group; create one with: wellhead group create NAME --task {task}"
            ),
            None => {
                "there is no group; create one with: wellhead group create NAME --task TASK".into()
            }
        };
    }
    Ok(answer)
}

fn listed(groups: &[Group]) -> String {
    let head =
        ["TASK", "NAME", "GROUP ID", "SASL USER", "OFFSET", "LAG", "MEMBERS"].map(String::from);
    let rows = groups.iter().map(|group| {
        let (offset, lag) = standing(group);
        let members = group.members.len().to_string();
        let Group { task, name, group_id, user, .. } = group.clone();
        vec![task, name, group_id, user, offset, lag, members]
    });
    table(&std::iter::once(head.to_vec()).chain(rows).collect::<Vec<_>>())
}

async fn show(client: &Client, global: &Global, args: &GroupShow) -> Result<Answer> {
    let GroupShow { group, client: library } = args;
    if let Some(library) = library {
        let args = CodeArgs {
            task: group.task.clone(),
            client: library.clone(),
            group: Some(group.name.clone()),
            listener: None,
            into: None,
        };
        return super::code::program(client, global, &args).await;
    }
    let group: Group = client.get(&path(&group.task, &group.name)).await?;
    Ok(Answer::data(shown(&group), json!(group)))
}

/// Offset and lag; before the first commit nobody knows.
fn standing(group: &Group) -> (String, String) {
    let number = |number: Option<i64>| number.map_or_else(|| "-".into(), |n| n.to_string());
    (number(group.checkpoint.as_ref().map(|at| at.offset)), number(group.lag_records))
}

fn shown(group: &Group) -> String {
    let mut rows = vec![
        vec!["group".into(), group.name.clone()],
        vec!["task".into(), group.task.clone()],
        vec!["group.id".into(), group.group_id.clone()],
        vec!["sasl user".into(), group.user.clone()],
    ];
    rows.push(match &group.checkpoint {
        Some(at) => vec!["checkpoint".into(), checkpoint(at)],
        None => vec!["checkpoint".into(), "nothing was committed yet".into()],
    });
    let (_, lag) = standing(group);
    let lag = match (lag.as_str(), group.lag_seconds) {
        ("-", _) => "unknown".into(),
        (lag, Some(seconds)) => format!("{lag} records, {}", span(seconds)),
        (lag, None) => format!("{lag} records"),
    };
    rows.push(vec!["lag".into(), lag]);
    if let Some(seconds) = group.expires_in {
        let expires = match seconds {
            0 => "the record at the checkpoint has left the topic".into(),
            _ => format!("the record at the checkpoint leaves the topic in {}", span(seconds)),
        };
        rows.push(vec!["expires".into(), expires]);
    }
    if let Some(rate) = group.fetch_bytes_per_second {
        rows.push(vec!["may fetch".into(), format!("{rate} bytes a second")]);
    }
    let state = group.state.as_deref().unwrap_or("nobody has joined yet");
    rows.push(vec!["state".into(), state.into()]);
    rows.extend(group.members.iter().map(|one| vec!["member".into(), member(one)]));
    if let Some(owner) = &group.owner {
        rows.push(vec!["owner".into(), owner.clone()]);
    }
    table(&rows)
}

fn checkpoint(at: &Checkpoint) -> String {
    let time = at.time.as_ref().map(|time| format!(" ({time})")).unwrap_or_default();
    format!("offset {}{time}, committed {}, metadata {:?}", at.offset, at.committed_at, at.metadata)
}

fn member(member: &GroupMember) -> String {
    let instance = member.instance_id.as_ref().map(|id| format!(", instance {id}"));
    let leads = if member.leads { ", leads" } else { "" };
    format!("{} from {}{}{leads}", member.client_id, member.address, instance.unwrap_or_default())
}

/// Seconds as people read them.
fn span(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    match seconds {
        ..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min {} s", seconds / MINUTE, seconds % MINUTE),
        HOUR..DAY => format!("{} h {} min", seconds / HOUR, seconds % HOUR / MINUTE),
        _ => format!("{} d {} h", seconds / DAY, seconds % DAY / HOUR),
    }
}

/// Shows where the group will stand, and asks. Members are told of before, by the server.
async fn seek(client: &Client, global: &Global, args: &cli::GroupSeek) -> Result<Answer> {
    let GroupName { name, task } = &args.group;
    let path = format!("{}/seek", path(task, name));
    let asked = GroupSeek { to: args.to.clone(), force: args.force, dry_run: true };
    let plan: GroupSought = client.post_json(&path, &asked).await?;
    let planned = sought(&plan);
    if args.dry_run {
        return Ok(Answer::data(format!("{planned}\n"), json!(plan)));
    }
    confirm(global, &planned, &format!("seek group {name}?"))?;
    let done: GroupSought = client.post_json(&path, &GroupSeek { dry_run: false, ..asked }).await?;
    Ok(Answer::done(sought(&done), json!(done)))
}

fn sought(sought: &GroupSought) -> String {
    let verb = if sought.dry_run { "would go" } else { "went" };
    let tablet = |seek: &TabletSeek| {
        let from = seek.from.as_ref().map_or_else(|| "nowhere yet".into(), place);
        format!("from {from} to {}", place(&seek.to))
    };
    let tablets: Vec<_> = sought.tablets.iter().map(tablet).collect();
    let members = match (sought.members, sought.dry_run) {
        (0, _) => String::new(),
        (members, true) => format!("; {members} live members are in the way"),
        (members, false) => format!("; {members} members were sent away and join again"),
    };
    format!("group {} {verb} {}{members}", sought.name, tablets.join(", "))
}

fn place(place: &PlaceView) -> String {
    match &place.time {
        Some(time) => format!("offset {} ({time})", place.offset),
        None => format!("offset {}", place.offset),
    }
}

async fn create(client: &Client, global: &Global, args: &GroupCreate) -> Result<Answer> {
    let path = path(&args.task, &args.name);
    let generated = match &args.password_file {
        Some(_) => None,
        None => {
            if !global.yes && exists(client, &path).await? {
                bail!(Failure::usage(format!(
                    "group {} exists; a new password would lock its clients out. Give --yes to do so, or --password-file to set one",
                    args.name
                )));
            }
            Some(generate_password()?)
        }
    };
    let password = match (&args.password_file, &generated) {
        (Some(file), _) => read_secret(file)?,
        (None, generated) => generated.clone().unwrap_or_default(),
    };
    let account = args.account.clone().unwrap_or_else(|| account_of(&args.name));
    let put = GroupPut { account, password, fetch_bytes_per_second: args.fetch_rate };
    let group: GroupCreated = client.put(&path, &put).await?;
    Ok(created(&group, generated.as_deref()))
}

async fn exists(client: &Client, path: &str) -> Result<bool> {
    match client.get::<Group>(path).await {
        Ok(_) => Ok(true),
        Err(error) => {
            let problem = error.downcast_ref::<Failure>().and_then(Failure::problem);
            if problem.is_some_and(|problem| problem.code == Code::NotFound) {
                Ok(false)
            } else {
                Err(error)
            }
        }
    }
}

/// The password is shown here and never again.
fn created(group: &GroupCreated, generated: Option<&str>) -> Answer {
    let mut text = format!(
        "group {}   id (group.id) {}   sasl user {}\n",
        group.name, group.group_id, group.user
    );
    let mut result = json!(group);
    if let Some(password) = generated {
        text.push_str(&format!("password {password}   shown once; only a verifier is kept\n"));
        if let Value::Object(fields) = &mut result {
            fields.insert("password".into(), password.into());
        }
    }
    Answer::data(text, result)
}

async fn delete(client: &Client, global: &Global, args: &GroupDelete) -> Result<Answer> {
    let GroupDelete { group: GroupName { name, task }, dry_run } = args;
    let path = path(task, name);
    let group: Group = client.get(&path).await?;
    let at = group.checkpoint.map_or_else(
        || "which never committed".into(),
        |at| format!("with its checkpoint at offset {}", at.offset),
    );
    let plan = format!(
        "this destroys group {name} ({}) of task {task}, {at}; its clients are locked out",
        group.group_id
    );
    if *dry_run {
        return Ok(Answer::data(format!("{plan}\n"), json!({ "summary": plan })));
    }
    confirm(global, &plan, &format!("delete group {name}?"))?;
    client.delete(&path).await?;
    Ok(Answer::done(format!("group {name} is deleted"), json!({ "name": name, "task": task })))
}

/// The group's name reduced to what an account may hold.
fn account_of(name: &str) -> String {
    let legal = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let account: String = name.chars().filter(legal).take(ACCOUNT_CHARS_MAX).collect();
    if account.is_empty() { "consumer".into() } else { account }
}

/// A random password with upper case, lower case and digits.
fn generate_password() -> Result<String> {
    loop {
        let mut bytes = [0; PASSWORD_CHARS];
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| anyhow!("the operating system gives no random numbers"))?;
        // 64 characters, so that a byte's six low bits choose evenly.
        let character = |byte: &u8| ALPHABET.get(usize::from(byte & 63)).copied().map(char::from);
        let password: String = bytes.iter().filter_map(character).collect();
        let has = |class: fn(&u8) -> bool| password.as_bytes().iter().any(class);
        if has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit) {
            return Ok(password);
        }
    }
}

const ACCOUNT_CHARS_MAX: usize = 16;
const PASSWORD_CHARS: usize = 20;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_made_from_any_group_name() {
        assert_eq!(account_of("billing"), "billing");
        assert_eq!(account_of("team-a.orders/2026 nightly"), "teamaorders2026n");
        assert_eq!(account_of("组"), "consumer");
    }

    #[test]
    fn generated_passwords_follow_the_rules_and_differ() {
        let (one, two) = (generate_password().unwrap(), generate_password().unwrap());
        assert_eq!(one.len(), 20);
        assert!(one.bytes().all(|byte| ALPHABET.contains(&byte)));
        assert_ne!(one, two);
    }

    #[test]
    fn a_created_group_shows_id_user_and_password_once() {
        let group = GroupCreated {
            name: "billing".into(),
            group_id: "dtsk3v9x2m7q1b4c8d".into(),
            user: "billing-dtsk3v9x2m7q1b4c8d".into(),
        };
        let answer = created(&group, Some("7mQ_v2xxxxxxxxxxxxxx"));
        assert_eq!(
            answer.text,
            "group billing   id (group.id) dtsk3v9x2m7q1b4c8d   sasl user billing-dtsk3v9x2m7q1b4c8d\n\
             password 7mQ_v2xxxxxxxxxxxxxx   shown once; only a verifier is kept\n"
        );
        assert_eq!(answer.result["password"], "7mQ_v2xxxxxxxxxxxxxx");
        assert!(!created(&group, None).text.contains("password"));
    }

    #[test]
    fn a_group_before_its_first_commit_has_no_numbers() {
        let group = Group {
            task: "shop".into(),
            name: "billing".into(),
            group_id: "dts1".into(),
            user: "b-dts1".into(),
            checkpoint: None,
            lag_records: None,
            lag_seconds: None,
            expires_in: None,
            state: None,
            fetch_bytes_per_second: None,
            members: Vec::new(),
            owner: None,
        };
        assert_eq!(standing(&group), ("-".into(), "-".into()));
        assert_eq!(
            listed(std::slice::from_ref(&group)).lines().last().unwrap_or_default(),
            "shop  billing  dts1      b-dts1     -       -    0"
        );
        assert_eq!(
            shown(&group),
            "group       billing\ntask        shop\ngroup.id    dts1\nsasl user   b-dts1\n\
             checkpoint  nothing was committed yet\nlag         unknown\n\
             state       nobody has joined yet\n"
        );
    }

    #[test]
    fn a_seek_tells_both_places_and_who_is_in_the_way() {
        let at = |offset, time: Option<&str>| PlaceView {
            offset,
            time: time.map(Into::into),
            time_unix: None,
        };
        let mut plan = GroupSought {
            name: "billing".into(),
            group_id: "dts1".into(),
            tablets: vec![TabletSeek { tablet: 0, from: None, to: at(7, None) }],
            members: 0,
            dry_run: true,
        };
        assert_eq!(sought(&plan), "group billing would go from nowhere yet to offset 7");
        plan.tablets[0].from = Some(at(9, Some("2026-11-21T04:00:00Z")));
        plan.members = 2;
        assert_eq!(
            sought(&plan),
            "group billing would go from offset 9 (2026-11-21T04:00:00Z) to offset 7; \
             2 live members are in the way"
        );
    }

    #[test]
    fn spans_are_told_in_two_units() {
        let shown = [5, 65, 3_600 + 120, 2 * 86_400 + 3_600].map(span);
        assert_eq!(shown, ["5 s", "1 min 5 s", "1 h 2 min", "2 d 1 h"]);
    }
}

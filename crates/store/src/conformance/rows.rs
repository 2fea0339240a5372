//! Rows: what was written is loaded again.

use super::*;

pub(super) fn all<S: Subject>(subject: &mut S) {
    keeps_and_removes_rows(subject);
    forgets_mentions_that_were_read(subject);
    removes_a_room_with_all_of_its_own(subject);
    keeps_invites_as_long_as_their_maker_and_their_room(subject);
}

fn token(id: u64, account: u32) -> TokenRow {
    let card = TokenCard {
        id,
        account: UserName::parse("Grace").unwrap(),
        label: Text::ours("手机"),
        scopes: vec![Scope::Read, Scope::Files],
        created_ms: 9,
        expires_ms: Some(99),
        last_used_ms: None,
    };
    TokenRow { card, account: AccountId(account), hash: [u8::try_from(id).unwrap(); 32] }
}

fn invite(id: u64, by: Option<u32>, room: Option<u32>) -> InviteRow {
    let card = InviteCard {
        id,
        by: Text::ours("Grace 优"),
        room: room.map(|room| self::room(room).name),
        r#as: if by.is_some() { Admits::Member } else { Admits::Guest },
        uses: u32::MAX,
        uses_left: 3,
        created_ms: -1,
        ends_ms: i64::MAX,
    };
    let hash = [u8::try_from(id).unwrap(); 32];
    InviteRow { card, by: by.map(AccountId), room: room.map(RoomId), hash }
}

fn keeps_invites_as_long_as_their_maker_and_their_room<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    assert_eq!(scene.store().load().unwrap().next_invite, 1);
    let all = [
        invite(1, None, None),
        invite(2, Some(1), None),
        invite(3, None, Some(1)),
        invite(4, Some(2), Some(2)),
    ];
    let writes = all.iter().map(|row| Write::Invite(Box::new(row.clone())));
    scene.write(writes.chain([Write::Account(Box::new(account(1, "Grace")))]).collect());
    scene.reopen();
    let loaded = scene.store().load().unwrap();
    assert_eq!((loaded.invites, loaded.next_invite), (all.to_vec(), 5));

    let mut taken = all[3].clone();
    taken.card.uses_left = 0;
    scene.write(vec![
        Write::Invite(Box::new(taken.clone())),
        Write::RemoveInvite(1),
        Write::RemoveAccount(AccountId(1)),
        Write::RemoveRoom(RoomId(1)),
    ]);
    scene.reopen();
    let loaded = scene.store().load().unwrap();
    assert_eq!((loaded.invites, loaded.next_invite), (vec![taken], 5), "no number is given twice");
    scene.write(vec![Write::RemoveInvite(4)]);
    scene.reopen();
    assert_eq!(scene.store().load().unwrap().next_invite, 5);
}

fn keeps_and_removes_rows<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let (grace, linus) = (AccountId(1), AccountId(2));
    let direct = RoomRow {
        name: RoomName::direct("1", "2"),
        fold: "@1@2".into(),
        kind: RoomKind::Direct,
        pair: Some((grace, linus)),
        topic: Text::ours("话题"),
        visibility: Visibility::Hidden,
        durability: Durability::Ephemeral,
        moderated: true,
        retention: Retention { events: Some(5), age_s: None },
        epoch: u64::MAX,
        ..room(3)
    };
    let member =
        |account| MemberRow { room: RoomId(1), account, standing: Standing::Operator, invited: true };
    let ban = |fold: &str| BanRow {
        room: RoomId(1),
        fold: fold.into(),
        account: Some(linus),
        reason: Text::ours("because"),
        by: "Grace".into(),
        until_ms: None,
    };
    let mark = |account| MarkRow { room: RoomId(1), account, seq: 4, ordinal: 3 };
    scene.write(vec![
        Write::Account(Box::new(account(1, "Grace"))),
        Write::Account(Box::new(account(2, "Linus"))),
        Write::Room(Box::new(direct.clone())),
        Write::Member(member(grace)),
        Write::Member(member(linus)),
        Write::Ban(ban("eve")),
        Write::Ban(ban("mallory")),
        Write::Token(Box::new(token(1, 1))),
        Write::Token(Box::new(token(2, 2))),
        Write::Mark(mark(grace)),
        Write::Mark(mark(linus)),
        Write::Ignore(grace, "eve".into()),
        Write::Ignore(grace, "trent".into()),
        Write::Ignore(linus, "eve".into()),
        Write::Setting("name".into(), Some("lab".into())),
        Write::Setting("guests".into(), Some("no".into())),
    ]);
    scene.reopen();
    let loaded = scene.store().load().unwrap();
    assert_eq!(loaded.accounts, [account(1, "Grace"), account(2, "Linus")]);
    assert_eq!(loaded.rooms, [room(1), room(2), direct.clone()]);
    assert_eq!(loaded.members, [member(grace), member(linus)]);
    assert_eq!(loaded.bans, [ban("eve"), ban("mallory")]);
    assert_eq!(loaded.tokens, [token(1, 1), token(2, 2)]);
    assert_eq!(loaded.marks, [mark(grace), mark(linus)]);
    assert_eq!(loaded.ignores, [(grace, "eve".into()), (grace, "trent".into()), (linus, "eve".into())]);
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(loaded.settings, [setting("guests", "no"), setting("name", "lab")]);
    assert_eq!((loaded.next_account, loaded.next_token, loaded.next_room), (3, 3, 4));

    let renamed = AccountRow { password: None, ..account(1, "Grace H") };
    let topic = RoomRow { topic: Text::ours("new"), head: 77, first_seq: 70, countable: 70, ..room(1) };
    scene.write(vec![
        Write::Account(Box::new(renamed.clone())),
        Write::Room(Box::new(topic.clone())),
        Write::RemoveAccount(linus),
        Write::RemoveBan(RoomId(1), "eve".into()),
        Write::RemoveToken(1),
        Write::RemoveIgnore(grace, "eve".into()),
        Write::RemoveMember(RoomId(1), grace),
        Write::Setting("name".into(), Some("workshop 车间".into())),
        Write::Setting("guests".into(), None),
    ]);
    scene.reopen();
    let loaded = scene.store().load().unwrap();
    assert_eq!(loaded.accounts, [renamed]);
    assert_eq!(loaded.rooms, [RoomRow { head: 0, first_seq: 1, countable: 0, ..topic }, room(2), direct]);
    assert_eq!((loaded.members, loaded.tokens, loaded.marks), (vec![], vec![], vec![]));
    assert_eq!(loaded.bans, [ban("mallory")]);
    assert_eq!(loaded.ignores, [(grace, "trent".into())]);
    assert_eq!(loaded.settings, [setting("name", "workshop 车间")]);
}

fn forgets_mentions_that_were_read<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let (a, b) = (AccountId(1), AccountId(2));
    for _ in 0..3 {
        let append = scene.append(1, message("@both"));
        scene.write(vec![Write::Append(Append { mentions: vec![a, b], ..append })]);
    }
    scene.write(vec![Write::Mark(MarkRow { room: RoomId(1), account: a, seq: 2, ordinal: 2 })]);
    scene.reopen();
    let of = |account, seq| (RoomId(1), account, seq);
    let loaded = scene.store().load().unwrap();
    assert_eq!(loaded.mentions, [of(a, 3), of(b, 1), of(b, 2), of(b, 3)]);
    scene.write(vec![Write::Trim(RoomId(1), 2), Write::Trim(RoomId(2), 9)]);
    let loaded = scene.store().load().unwrap();
    assert_eq!(loaded.mentions, [of(a, 3), of(b, 2), of(b, 3)], "what is trimmed mentions nobody");
    scene.write(vec![Write::RemoveMember(RoomId(1), b)]);
    assert_eq!(scene.store().load().unwrap().mentions, [of(a, 3)]);
    scene.write(vec![Write::RemoveAccount(a)]);
    let loaded = scene.store().load().unwrap();
    assert_eq!((loaded.mentions, loaded.marks), (vec![], vec![]));
}

fn removes_a_room_with_all_of_its_own<S: Subject>(subject: &mut S) {
    let mut scene = Scene::new(subject);
    let a = AccountId(1);
    let append = scene.append(1, message("gone"));
    scene.write(vec![
        Write::Append(Append { mentions: vec![a], ..append }),
        Write::Member(MemberRow { room: RoomId(1), account: a, standing: Standing::Member, invited: false }),
        Write::Mark(MarkRow { room: RoomId(1), account: a, seq: 0, ordinal: 0 }),
    ]);
    scene.say(2, "gone not");
    assert_eq!(scene.found("gone").len(), 2);
    let late = scene.append(1, message("gone too"));
    scene.write(vec![Write::Append(late), Write::RemoveRoom(RoomId(1))]);
    scene.reopen();
    assert_eq!(seqs(&scene.log(1)), [0; 0]);
    assert_eq!(scene.found("gone"), [(2, 1)]);
    let loaded = scene.store().load().unwrap();
    assert_eq!(loaded.rooms.len(), 1);
    assert_eq!((loaded.members, loaded.marks, loaded.mentions), (vec![], vec![], vec![]));
    let append = scene.append(1, message("x"));
    let batch = Batch { ts_ms: 0, writes: vec![Write::Append(append)] };
    assert_eq!(scene.store().commit(&batch).unwrap_err().fault, StoreFault::Ours);
}

using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Inventory;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Who bears a name, or a UUID, that two claim.</summary>
public sealed class DomainNamesTests
{
    private const int First = 11, Second = 12;

    private static readonly Guid Uuid = Guid.Parse("6fd2d2d0-0001-4a6c-9a0b-3c1c5f8f4e11");

    public static TheoryData<string, string> Ranks { get; } = new()
    {
        { "Said", "Told" },
        { "Said", "InFile" },
        { "Said", "BeforeUnread" },
        { "Told", "InFile" },
        { "Told", "BeforeUnread" },
        { "InFile", "BeforeUnread" },
    };

    [Theory]
    [MemberData(nameof(Ranks))]
    public void The_surer_word_has_it_though_the_other_is_older(string surer, string other)
    {
        DomainIdentity[] assigned = DomainNames.Assign([Claim(First, other), Claim(Second, surer)]);
        Assert.Equal([$"vm@{First}", "vm"], assigned.Select(identity => identity.Name));
        Assert.Equal([Derived(First), Uuid], assigned.Select(identity => identity.Uuid));
    }

    [Theory]
    [InlineData("Said", "Told", true)]
    [InlineData("Told", "Said", true)]
    [InlineData("InFile", "Told", false)]
    [InlineData("BeforeUnread", "Said", false)]
    [InlineData("InFile", "InFile", true)]
    public void Roots_has_it_before_others_unless_it_is_a_guess_and_theirs_is_none(string roots, string others, bool hasIt)
    {
        DomainIdentity[] assigned = DomainNames.Assign([Claim(First, others), Claim(Second, roots, isRoot: true)]);
        Assert.Equal(hasIt ? Second : First, Assert.Single(assigned, identity => identity.Name == "vm").Id);
    }

    [Theory]
    [InlineData("Told")]
    [InlineData("InFile")]
    public void What_is_kept_yields_to_nobody(string certainty)
    {
        DomainClaim kept = Claim(Second, certainty) with { ListedName = "vm", ListedUuid = Uuid };
        DomainIdentity[] assigned = DomainNames.Assign([Claim(First, "Said", isRoot: true), kept]);
        Assert.Equal(("vm", Uuid), (assigned[1].Name, assigned[1].Uuid));
        Assert.Equal(($"vm@{First}", Derived(First)), (assigned[0].Name, assigned[0].Uuid));
    }

    [Fact]
    public void Of_two_equals_the_older_has_it_and_who_has_no_name_is_called_by_its_process()
    {
        DomainClaim nameless = new(Second, null, null, Derived(Second), IsRoot: true, Age: Second);
        DomainIdentity[] assigned = DomainNames.Assign(
            [Claim(Second, "Told"), Claim(First, "Told"), nameless with { Pid = 13, DerivedUuid = Derived(13) }]);
        Assert.Equal([$"vm@{Second}", "vm", "qemu-13"], assigned.Select(identity => identity.Name));
        Assert.Equal(Derived(13), assigned[2].Uuid);
    }

    // The smaller id is the older one's.
    private static DomainClaim Claim(int pid, string certainty, bool isRoot = false)
    {
        Certainty sure = Enum.Parse<Certainty>(certainty);
        return new DomainClaim(pid, new Word<string>("vm", sure), new Word<Guid>(Uuid, sure), Derived(pid), isRoot, (ulong)pid);
    }

    private static Guid Derived(int pid) => new(pid, 0, 0, [0, 0, 0, 0, 0, 0, 0, 1]);
}

using System.Collections.Concurrent;
using static Ballast.DomainLifecycleDetails;
using Reasons = Ballast.DomainStateReasons;

namespace Ballast.Drivers.Test;

/// <summary>
/// The domains of a test host, what happens to them, and who is told. Looking takes no lock; changes are made one after
/// the other, so that events come in their order.
/// </summary>
internal sealed class TestDomains
{
    // A list of more has no place in libvirt's protocol, so that nobody could list any.
    private const int Most = 16384;

    // What clients give is kept, at some ten times its length.
    private const long MostLength = 32 * 1024 * 1024;

    private readonly Lock _changing = new();
    private readonly ConcurrentDictionary<Guid, TestDomain> _all = new();
    private int _lastId;
    private long _length;

    public DriverEventSinks Events { get; } = new();

    /// <summary>Active ones by id, then the others by name.</summary>
    public IEnumerable<TestDomain> All
    {
        get
        {
            TestDomain[] all = [.. _all.Values];
            Array.Sort(all, static (one, other) => DomainOrder.Compare(one.Id, one.Definition.Name, other.Id, other.Definition.Name));
            return all;
        }
    }

    public TestDomain? Find(Guid uuid) => _all.GetValueOrDefault(uuid);

    /// <exception cref="LibvirtException">It is gone.</exception>
    public TestDomain Get(DomainIdentity domain) => Find(domain.Uuid) ?? throw LibvirtError.NoDomain(ErrorOrigin.Test, domain);

    /// <summary>A look and what follows from it, before anybody else changes something.</summary>
    public void Change(DomainIdentity domain, Func<TestDomain, TestDomain> change)
    {
        lock (_changing)
        {
            TestDomain now = change(Get(domain));
            Put(now);
        }
    }

    /// <summary>The same with an event of what it came to.</summary>
    public void Change(DomainIdentity domain, Func<TestDomain, TestDomain> change, DomainLifecycleChange kind, int detail)
    {
        lock (_changing)
        {
            Change(domain, change);
            Publish(Get(domain), kind, detail);
        }
    }

    /// <summary>The same with an event of what part of its metadata it was.</summary>
    public void ChangeMetadata(DomainIdentity domain, Func<TestDomain, TestDomain> change, DomainMetadataType type, string? uri)
    {
        lock (_changing)
        {
            Change(domain, change);
            Events.Publish(DriverEvent.MetadataChange(Get(domain).Identity, type, uri));
        }
    }

    /// <summary>A domain as a test host begins with it, before anybody looks.</summary>
    public void Add(TestDefinition definition, DomainStateInfo state, bool isPersistent, bool hasManagedSave)
    {
        lock (_changing)
        {
            _ = FindEqual(definition);
            TestDomain domain = new()
            {
                State = state,
                Definition = definition,
                Next = isPersistent ? definition : null,
                IsPersistent = isPersistent,
                HasManagedSave = hasManagedSave,
                Id = state.State == DomainState.Shutoff ? null : ++_lastId,
            };
            Put(domain);
        }
    }

    /// <summary>Defines a domain, or defines it anew. One that runs goes on as it is.</summary>
    /// <exception cref="LibvirtException">Its name or its UUID is another domain's.</exception>
    public DomainIdentity Define(TestDefinition definition)
    {
        lock (_changing)
        {
            TestDomain? old = FindEqual(definition);
            TestDomain first = old ?? new TestDomain { State = new(DomainState.Shutoff, Reasons.Unknown), Definition = definition };
            TestDomain now = first.WithNext(definition) with { IsPersistent = true };
            Put(now);
            Publish(now, DomainLifecycleChange.Defined, old?.Next is null ? Defined.Added : Defined.Updated);
            return now.Identity;
        }
    }

    /// <summary>Starts a domain that is gone when it ends, or runs a defined one as something else for once.</summary>
    /// <exception cref="LibvirtException">It runs already, or its name or its UUID is another domain's.</exception>
    public DomainIdentity Create(TestDefinition definition)
    {
        lock (_changing)
        {
            TestDomain? old = FindEqual(definition);
            if (old is { IsActive: true })
            {
                throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Domain,
                    $"domain '{definition.Name}' is already active");
            }

            TestDomain now = old is null
                ? new TestDomain { State = new(DomainState.Shutoff, Reasons.Unknown), Definition = definition }
                : old with { Definition = definition };
            return Start(now);
        }
    }

    /// <summary>Starts a defined domain.</summary>
    /// <exception cref="LibvirtException">It runs already.</exception>
    public DomainIdentity Start(DomainIdentity domain)
    {
        lock (_changing)
        {
            TestDomain now = Get(domain);
            return !now.IsActive
                ? Start(now)
                : throw LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Test, $"Domain '{now.Definition.Name}' is already running");
        }
    }

    /// <summary>Ends a running domain. A defined one stays, with what was changed of its definition meanwhile.</summary>
    public void Stop(DomainIdentity domain, Action<TestDomain> check, int reason, int detail)
    {
        lock (_changing)
        {
            TestDomain now = Get(domain);
            check(now);
            Stop(now, reason, detail);
        }
    }

    /// <summary>Resets a running domain, and does what its definition says about that.</summary>
    public void Reboot(DomainIdentity domain, int reason, int detail)
    {
        lock (_changing)
        {
            TestDomain now = Get(domain);
            now.RequireActive();
            if (now.Definition.OnReboot is "destroy" or "preserve")
                Stop(now, reason, detail);
            else
                Put(now with { State = new(DomainState.Running, Reasons.Running.Booted) });
        }
    }

    /// <summary>Ends a running domain and keeps what it was; the next start takes it up.</summary>
    public void Save(DomainIdentity domain)
    {
        lock (_changing)
        {
            TestDomain now = Get(domain);
            now.RequireActive();
            if (!now.IsPersistent)
            {
                throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Test,
                    "cannot do managed save for transient domain");
            }

            Stop(now with { HasManagedSave = true }, Reasons.Shutoff.Saved, Stopped.Saved);
        }
    }

    /// <summary>Forgets a domain's definition: one that runs is gone when it ends.</summary>
    public void Undefine(DomainIdentity domain, bool withManagedSave)
    {
        lock (_changing)
        {
            TestDomain now = Get(domain);
            if (now.HasManagedSave && !withManagedSave)
            {
                throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Test,
                    "Refusing to undefine while domain managed save image exists");
            }

            Keep(now with { IsPersistent = false, HasManagedSave = false });
            Publish(now, DomainLifecycleChange.Undefined, Undefined.Removed);
        }
    }

    public void Rename(DomainIdentity domain, string name)
    {
        lock (_changing)
        {
            TestDomain now = Get(domain);
            if (now.IsActive)
                throw Refused("cannot rename active domain");
            TestDefinitionXml.RefuseName(name, ErrorOrigin.Test);
            if (now.Definition.Name == name)
                throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Domain, "Can't rename domain to itself");
            if (FindNamesake(name) is not null)
            {
                throw LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Domain,
                    $"domain with name '{name}' already exists");
            }

            TestDomain renamed = now.WithNext(now.Definition with { Name = name });
            Put(renamed);
            Publish(now, DomainLifecycleChange.Undefined, Undefined.Renamed);
            Publish(renamed, DomainLifecycleChange.Defined, Defined.Renamed);
        }

        static LibvirtException Refused(string why) => LibvirtError.Report(ErrorCode.OperationInvalid, ErrorOrigin.Test, why);
    }

    private DomainIdentity Start(TestDomain domain)
    {
        TestDomain now = domain with { Id = ++_lastId, State = new(DomainState.Running, Reasons.Running.Booted), HasManagedSave = false };
        Put(now);
        Publish(now, DomainLifecycleChange.Started, Started.Booted);
        return now.Identity;
    }

    private void Stop(TestDomain domain, int reason, int detail)
    {
        TestDomain now = domain with
        {
            Id = null,
            State = new(DomainState.Shutoff, reason),
            Definition = domain.Next ?? domain.Definition,
        };
        Keep(now);

        // One that was never defined is told of as it was.
        Publish(domain.Next is null ? domain : now, DomainLifecycleChange.Stopped, detail);
    }

    // A domain that neither runs nor has a definition is none.
    private void Keep(TestDomain now)
    {
        if (now.IsActive || now.IsPersistent)
            Put(now);
        else
            _length -= _all.TryRemove(now.Definition.Uuid, out TestDomain? gone) ? gone.Length : 0;
    }

    // The lock is held.
    private void Put(TestDomain now)
    {
        long more = now.Length - (Find(now.Definition.Uuid)?.Length ?? 0);
        if (more > 0 && _length + more > MostLength)
        {
            throw LibvirtError.Report(ErrorCode.OperationFailed, ErrorOrigin.Test,
                $"the XML of a test host's domains has at most {MostLength} characters together");
        }

        _all[now.Definition.Uuid] = now;
        _length += more;
    }

    /// <summary>The domain of that name and UUID.</summary>
    private TestDomain? FindEqual(TestDefinition definition)
    {
        if (Find(definition.Uuid) is { } same)
        {
            return same.Definition.Name == definition.Name
                ? same
                : throw Exists($"domain '{same.Definition.Name}' is already defined with uuid {definition.Uuid}");
        }

        if (FindNamesake(definition.Name) is { } namesake)
            throw Exists($"domain '{definition.Name}' already exists with uuid {namesake.Definition.Uuid}");
        return _all.Count < Most ? null : throw LibvirtError.Report(ErrorCode.OperationFailed, ErrorOrigin.Test, $"a test host has at most {Most} domains");

        static LibvirtException Exists(string detail) => LibvirtError.Report(ErrorCode.OperationFailed, ErrorOrigin.Domain, detail);
    }

    // Not among the values, of which each look would make a list.
    private TestDomain? FindNamesake(string name) => _all.FirstOrDefault(other => other.Value.Definition.Name == name).Value;

    private void Publish(TestDomain domain, DomainLifecycleChange change, int detail) =>
        Events.Publish(DriverEvent.Lifecycle(domain.Identity, change, detail));
}

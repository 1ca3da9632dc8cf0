using System.Reflection;
using Ballast.Drivers;

namespace Ballast.Tests.Fakes;

/// <summary>Stands before a driver, and keeps what is asked of it; a test may answer in its place.</summary>
public class SpyDriver : DispatchProxy
{
    private static readonly string[] Looks = ["Get", "List", "Lookup", "Is", "Has", "Sample", "TrySample", "Subscribe", "Dispose", "get_"];

    private readonly Lock _gate = new();
    private readonly List<string> _calls = [];
    private IDriver _driver = null!;

    /// <summary>Answers in the driver's place, or throws; null: the driver shall.</summary>
    internal Func<string, object?>? Instead { get; set; }

    /// <summary>What was asked so far that is no mere look, whatever came of it. A method that nobody named here is none.</summary>
    internal IReadOnlyList<string> Changes => [.. Calls.Where(call => !Looks.Any(look => call.StartsWith(look, StringComparison.Ordinal)))];

    internal IReadOnlyList<string> Calls
    {
        get
        {
            lock (_gate)
                return [.. _calls];
        }
    }

    internal static (IDriver Driver, SpyDriver Spy) Before(IDriver driver)
    {
        IDriver proxy = Create<IDriver, SpyDriver>();
        SpyDriver spy = (SpyDriver)(object)proxy;
        spy._driver = driver;
        return (proxy, spy);
    }

    internal void Forget()
    {
        lock (_gate)
            _calls.Clear();
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        lock (_gate)
            _calls.Add(targetMethod!.Name);
        try
        {
            return Instead?.Invoke(targetMethod!.Name) ?? targetMethod!.Invoke(_driver, args);
        }
        catch (TargetInvocationException e) when (e.InnerException is { } inner)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(inner);
            throw;
        }
    }
}

namespace Ballast.Native;

/// <summary>The ways in which most functions of the interface call the library.</summary>
internal static class Call
{
    /// <summary>A function that has no connection or domain.</summary>
    public static T Guarded<T>(T failure, Func<T> call)
    {
        try
        {
            return call();
        }
        catch (Exception e)
        {
            Failure.Raise(e);
            return failure;
        }
    }

    public static int Change(nint domain, string function, Func<DomainHandle, CancellationToken, ValueTask> change)
    {
        try
        {
            Blocking.Wait(change(Handles.Domain(domain, function), Blocking.Token));
            return 0;
        }
        catch (Exception e)
        {
            return Failure.Of(e, domain);
        }
    }

    public static int OfDomain<T>(nint domain, string function, Func<DomainHandle, CancellationToken, ValueTask<T>> ask, Func<T, int> answer)
    {
        try
        {
            return answer(Blocking.Wait(ask(Handles.Domain(domain, function), Blocking.Token)));
        }
        catch (Exception e)
        {
            return Failure.Of(e, domain);
        }
    }

    public static nint TextOfDomain(nint domain, string function, Func<DomainHandle, CancellationToken, ValueTask<string>> ask)
    {
        try
        {
            return NativeText.Copy(Blocking.Wait(ask(Handles.Domain(domain, function), Blocking.Token)));
        }
        catch (Exception e)
        {
            return Failure.NullOf(e, domain);
        }
    }

    public static int OfConnection<T>(nint connection, string function, Func<ConnectionHandle, CancellationToken, ValueTask<T>> ask, Func<T, int> answer)
    {
        try
        {
            return answer(Blocking.Wait(ask(Handles.Connection(connection, function), Blocking.Token)));
        }
        catch (Exception e)
        {
            return Failure.Of(e, connection);
        }
    }

    public static nint TextOfConnection(nint connection, string function, Func<ConnectionHandle, CancellationToken, ValueTask<string>> ask)
    {
        try
        {
            return NativeText.Copy(Blocking.Wait(ask(Handles.Connection(connection, function), Blocking.Token)));
        }
        catch (Exception e)
        {
            return Failure.NullOf(e, connection);
        }
    }
}

namespace Ballast.Native;

/// <summary>
/// Makes an exception the thread's last error: none crosses into C. Whatever failed, the way of its error can fail as well,
/// for lack of memory or of a class that could not be made; what is told then was made before.
/// </summary>
internal static unsafe class Failure
{
    /// <summary>The failure of a function that returns a number; told to the connection of a handle, where that is one.</summary>
    public static int Of(Exception exception, nint handle = 0)
    {
        Raise(exception, handle);
        return -1;
    }

    /// <summary>The failure of one that returns a pointer.</summary>
    public static nint NullOf(Exception exception, nint handle = 0)
    {
        Raise(exception, handle);
        return 0;
    }

    public static void Raise(Exception exception, nint handle = 0)
    {
        try
        {
            Set(exception);
        }
        catch (Exception)
        {
            Shim.SetPlainError(exception is OutOfMemoryException ? 1 : 0);
        }

        Tell(handle);
    }

    /// <summary>Tells the thread's last error to who is to be told, a handle's connection first.</summary>
    public static void Tell(nint handle)
    {
        try
        {
            if (Handles.Owner(handle) is { } connection)
                connection.TellError();
            else
                Shim.TellError(null, 0);
        }
        catch (Exception)
        {
            // What a connection's handler does is C's: it was not called.
            Shim.TellEverybody();
        }
    }

    private static void Set(Exception exception)
    {
        switch (exception)
        {
            case LibvirtException e:
                Shim.SetError((int)e.Code, (int)e.Origin, (int)e.Level, e.Message, e.Str1, e.Str2, e.Str3, e.Int1, e.Int2);
                break;
            case CallException e:
                Shim.SetError((int)e.Code, (int)e.Origin, (int)ErrorLevel.Error, e.Message, e.Str1, e.Str2, null, e.Number, e.Number < 0 ? -1 : 0);
                break;
            case OperationCanceledException:
                Set(CallException.Aborted());
                break;
            case ObjectDisposedException e:
                // The library's own says who closed it.
                Set(e.GetType() == typeof(ObjectDisposedException) ? CallException.Closed() : CallException.Internal(e.Message));
                break;
            case OutOfMemoryException:
                Shim.SetPlainError(1);
                break;
            case ArgumentException e:
                Set(CallException.Invalid(e.Message));
                break;
            default:
                Set(CallException.Internal($"{exception.GetType().Name}: {exception.Message}"));
                break;
        }
    }
}

namespace Ballast.Native;

/// <summary>Makes an exception the thread's last error: none crosses into C.</summary>
internal static unsafe class Failure
{
    /// <summary>The failure of a function that returns a number.</summary>
    public static int Of(Exception exception, ConnectionHandle? connection = null)
    {
        Raise(exception, connection);
        return -1;
    }

    /// <summary>The failure of one that returns a pointer.</summary>
    public static nint NullOf(Exception exception, ConnectionHandle? connection = null)
    {
        Raise(exception, connection);
        return 0;
    }

    public static void Raise(Exception exception, ConnectionHandle? connection)
    {
        Set(exception);
        Tell(connection);
    }

    /// <summary>Tells the thread's last error to who is to be told, the connection first.</summary>
    public static void Tell(ConnectionHandle? connection)
    {
        if (connection is null)
            Face.TellError(null, 0);
        else
            connection.TellError();
    }

    private static void Set(Exception exception)
    {
        switch (exception)
        {
            case LibvirtException e:
                Face.SetError((int)e.Code, (int)e.Origin, (int)e.Level, e.Message, e.Str1, e.Str2, e.Str3, e.Int1, e.Int2);
                break;
            case CallException e:
                Face.SetError((int)e.Code, (int)e.Origin, (int)ErrorLevel.Error, e.Message, e.Str1, e.Str2, null, e.Number, e.Number < 0 ? -1 : 0);
                break;
            case OperationCanceledException:
                Set(CallException.Aborted());
                break;
            case ObjectDisposedException:
                Set(CallException.Internal("the connection was closed meanwhile"));
                break;
            case OutOfMemoryException:
                Face.SetError((int)ErrorCode.NoMemory, 0, (int)ErrorLevel.Error, "out of memory", "out of memory", null, null, -1, -1);
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

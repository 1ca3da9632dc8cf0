using System.Reflection;
using Ballast.Balance.Advice;
using Ballast.Daemon.Authentication;
using Ballast.Daemon.Systemd;
using Ballast.Server;
using Ballast.Server.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

namespace Ballast.Daemon;

internal static partial class Program
{
    private const int Success = 0, Failure = 1, Misuse = 2;

    public static async Task<int> Main(string[] arguments)
    {
        CaughtSignal.Hangup.Catch();
        try
        {
            // Hidden: the manual pages, which are installed beside the program.
            if (arguments is ["__make", "man", var name])
            {
                Console.Out.Write(DaemonManual.Page(name, Version) ?? throw new UsageException("__make man takes ballastd or ballastd.conf"));
                return Success;
            }

            if (arguments is [PasswordCommand.Name, .. var rest])
            {
                PasswordCommand.Run(rest);
                return Success;
            }

            DaemonOptions options = DaemonOptions.Read(arguments);
            if (options.IsHelp || options.IsVersion)
            {
                Console.Out.Write(options.IsHelp ? DaemonManual.Usage() : $"ballastd {Version}\n");
                return Success;
            }

            if (options.IsCheck)
                return await ConfigurationCheck.RunAsync(options).ConfigureAwait(false);
            await RunAsync(arguments, options).ConfigureAwait(false);
            return Success;
        }
        catch (UsageException e)
        {
            return await FailAsync(e.Message, Misuse).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or LibvirtException)
        {
            return await FailAsync(e.Message, Failure).ConfigureAwait(false);
        }
        catch (Exception e) when (e.GetBaseException() is OutOfMemoryException)
        {
            return await FailAsync("there is no room for its memory or threads: raise TasksMax, MemoryMax or ulimit -u", Failure).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Exception cause = e.GetBaseException();
            return await FailAsync($"{cause.GetType().Name}: {cause.Message}", Failure).ConfigureAwait(false);
        }
    }

    private static async Task<int> FailAsync(string why, int status)
    {
        await Console.Error.WriteLineAsync($"ballastd: {LogLine.Of(why)}").ConfigureAwait(false);
        return status;
    }

    private static string Version =>
        typeof(Program).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    private static async Task RunAsync(string[] arguments, DaemonOptions options)
    {
        EndDeadline end = new();
        CaughtSignal.End.Catch(end.Begin);
        uint? group = UnixAccess.RequireGroup(options.Group);
        OpenFiles files = OpenFiles.TakeAll();
        using PassedSockets? passed = PassedSockets.Take();
        ListenPaths? paths = passed is null ? ListenPaths.Choose(options) : null;
        using StandardErrorLog errors = new() { Level = Level(options) };
        ConnectionOptions how = How(options, errors.ForLibrary());
        await using Connection qemu = options.Qmp.Count > 0
            ? LibvirtServer.OpenMonitors(options.Qmp, passed?.Paths ?? [paths!.ReadWrite, paths.ReadOnly], how)
            : await Connection.OpenAsync("qmp:///", how).ConfigureAwait(false);
        await using TestHosts tests = await TestHosts.OpenAsync(options.Test, how).ConfigureAwait(false);
        (string, Connection)[] names = [("qemu:///system", qemu), ("qemu:///session", qemu), .. tests.All];
        if (UnixAccess.OwnUid != 0)
            Array.Reverse(names, 0, 2);
        LibvirtServer server = new(names, Treatment(options));

        // The sockets are nobody else's before it is said whose they are.
        UnixAccess.MakeFilesPrivate();
        using IListenSockets sockets = passed ?? (IListenSockets)await paths!.ListenAsync(group).ConfigureAwait(false);
        end.Before(sockets.Remove);
        bool isTlsPassed = passed is { Tls: not null };
        TlsAccess? tls = NetworkOptions.ReadTls(options, isTlsPassed);
        using NetworkSockets network = NetworkSockets.Listen(options, passed);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddProvider(errors).SetMinimumLevel(LogLevel.Debug).AddFilter("Microsoft", LogLevel.Warning);
        ClientHandler? handler = null;
        NetworkClients? remote = null;
        ClientLane lane = ClientLane.OfPrivileged();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxConcurrentConnections = null;
            if (sockets.ReadWriteDescriptor is { } readWrite)
                kestrel.Listen(new LaneEndPoint(readWrite, lane, isPrivileged: true), listen => Serve(listen, context => handler!.ServeReadWriteAsync(context)));
            if (sockets.ReadOnlyDescriptor is { } readOnly)
                kestrel.Listen(new LaneEndPoint(readOnly, ClientLane.OfReaders(), isPrivileged: false), listen => Serve(listen, context => handler!.ServeReadOnlyAsync(context)));
            if (network.Tcp is { } tcpSocket)
                kestrel.ListenHandle(tcpSocket, listen => Serve(listen, context => remote!.ServeTcpAsync(context)));
            if (network.Tls is { } tlsSocket)
                kestrel.Listen(new LaneEndPoint(tlsSocket, ClientLane.OfTls(), isPrivileged: false), listen => Serve(listen, context => remote!.ServeTlsAsync(context)));
        });

        // No handler blocks, so what is received is handled, and answered, by the worker that received it. The buffers are
        // what one client can make the daemon keep that it did not read, or that the client does not read. Calls are short, and of
        // a long one more is read: so thousands of clients that are not read cost little.
        const int readBytes = 16 * 1024, bufferBytes = 64 * 1024;
        builder.Services.Configure<SocketTransportOptions>(sockets =>
        {
            sockets.UnsafePreferInlineScheduling = true;
            sockets.MaxReadBufferSize = readBytes;
            sockets.MaxWriteBufferSize = bufferBytes;
        });
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(new SocketBuffers());
        builder.Services.AddSingleton<IHostLifetime, CaughtSignal.Lifetime>();
        builder.Services.AddSingleton<IConnectionListenerFactory>(services => new RoomListenerFactory(
            new SocketTransportFactory(services.GetRequiredService<IOptions<SocketTransportOptions>>(), services.GetRequiredService<ILoggerFactory>()), files));
        builder.Services.AddSingleton<IConnectionListenerFactory>(new LaneListenerFactory(files));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(2));
        await using WebApplication app = builder.Build();
        ILogger<ClientHandler> log = app.Services.GetRequiredService<ILogger<ClientHandler>>();
        files.Log = log;
        ChangeLog changes = new(log);
        Background.Failed += changes.Fault;

        // Who waits for a place takes a part of what is left for those who have one.
        const int partForWaiting = 4;
        ClientSlots places = new(
            options.MaxClients, options.MaxAnonymousClients, options.MaxAddressClients, Math.Min(options.MaxClients, files.CountRoom() / partForWaiting));
        CurrentAccess access = new(new AccessRules(options, group, tls));
        SaslGate gate = new(changes);
        ClientHandler clients = new(server, places, access, gate, log, changes, app.Lifetime.ApplicationStopping);
        handler = clients;
        remote = new NetworkClients(server, clients, places, access, gate, changes, app.Lifetime.ApplicationStopping);
        await app.StartAsync().ConfigureAwait(false);
        CaughtSignal.End.Attach(app.Lifetime.StopApplication);
        if (files.CountRoom() is var room && room < options.MaxClients)
            FewFiles(log, room, options.MaxClients);
        foreach (string missing in QmpPaths.Missing(options.Qmp))
            NotThereYet(log, missing);
        Listening(log, Version, sockets.Description + network.Description);
        foreach (string advice in passed?.Advice(options, group) ?? [])
            Advised(log, advice);
        using IdleTracker idle = new(clients, options.IdleTimeout, app.Lifetime.StopApplication);
        await using GuestChangeReporter guests = new(qemu, changes);
        files.Guests = () => guests.Guests;
        await using BalanceAdviser? adviser = options.Advises
            ? new BalanceAdviser(qemu, new BudgetSetting(options.BalanceBudgetKiB, options.BalanceGroup), options.BalanceLog, log)
            : null;
        PeriodKeeper periods = new(qemu, options.Period, log);
        DaemonReload reload = new(arguments, options, newer =>
        {
            // What can fail comes first.
            TlsAccess? newTls = network.Tls is null ? null : NetworkOptions.ReadTls(newer, isTlsPassed) ?? access.Rules.Tls;
            uint? newGroup = UnixAccess.RequireGroup(newer.Group);
            if (newGroup != access.Rules.Group)
                sockets.OpenTo(newGroup);
            places.Resize(newer.MaxClients, newer.MaxAnonymousClients, newer.MaxAddressClients);
            server.Options = Treatment(newer);
            errors.Level = Level(newer);
            IReadOnlyList<string>? certificates = newTls?.ChangesSince(access.Rules.Tls!);
            if (newTls?.HasLostRevocations(access.Rules.Tls!) == true)
                NobodyRevoked(log);
            access.Rules = new AccessRules(newer, newGroup, newTls);
            LibvirtServer.Retrust(qemu, How(newer, how.LoggerFactory));
            idle.Change(newer.IdleTimeout);
            periods.Change(newer.Period);
            return certificates;
        }, log);
        using ServiceManager? manager = ServiceManager.Find();
        await using ServiceReports service = new(manager, new ServerProbe(server, lane), () => $"{guests.Guests} guests, {clients.Clients} clients", log);
        service.Ready();
        CaughtSignal.Hangup.Attach(() => service.Reload(reload.Run));
        using IdleMemory memory = new();

        // The last that is registered runs first: the time runs, and the periods are given back beside all else. Who comes now finds nobody,
        // instead of waiting for one who does not answer any more.
        Task givenBack = Task.CompletedTask;
        using CancellationTokenRegistration gone = app.Lifetime.ApplicationStopping.Register(sockets.Remove);
        using CancellationTokenRegistration stopping = app.Lifetime.ApplicationStopping.Register(service.Stopping);
        using CancellationTokenRegistration giving = app.Lifetime.ApplicationStopping.Register(
            () => givenBack = Task.Run(() => periods.DisposeAsync().AsTask()));
        using CancellationTokenRegistration ending = app.Lifetime.ApplicationStopping.Register(end.Begin);
        await app.WaitForShutdownAsync().ConfigureAwait(false);
        sockets.Remove();
        CaughtSignal.Hangup.Attach(static () => { });
        await givenBack.ConfigureAwait(false);
        Stopped(log);
    }

    private static ConnectionOptions How(DaemonOptions options, ILoggerFactory? log) => new()
    {
        LoggerFactory = log,
        Timeout = options.MonitorTimeout,
        TrustedUserIds = options.TrustedUsers,
        ManagedDirectories = options.ManagedDirectories,

        // What goes on is our own, which writes an answer and waits for the next question.
        UnsafePreferInlineContinuations = true,
    };

    private static LogLevel Level(DaemonOptions options) => LogLevel.Debug + (options.LogLevel - 1);

    private static LibvirtServerOptions Treatment(DaemonOptions options) => new()
    {
        MaxCalls = options.MaxClientRequests,
        KeepaliveInterval = TimeSpan.FromSeconds(options.KeepaliveInterval),
        KeepaliveCount = options.KeepaliveCount,
    };

    private static void Serve(ListenOptions listen, Func<ConnectionContext, Task> serve) =>
        listen.Run(context => serve(context));

    [LoggerMessage(10, LogLevel.Information, "ballastd {Version} listens on {Sockets}")]
    private static partial void Listening(ILogger log, string version, string sockets);

    [LoggerMessage(12, LogLevel.Warning, "The limit of open files (LimitNOFILE) leaves room for {Clients} clients, not {Wanted} (max_clients)")]
    private static partial void FewFiles(ILogger log, int clients, int wanted);

    [LoggerMessage(13, LogLevel.Warning, "{Reason}")]
    private static partial void NotThereYet(ILogger log, string reason);

    [LoggerMessage(14, LogLevel.Warning, "{Advice}")]
    private static partial void Advised(ILogger log, string advice);

    [LoggerMessage(16, LogLevel.Warning, "cacrl.pem is gone: clients whose certificates it revoked can connect from now on")]
    private static partial void NobodyRevoked(ILogger log);

    [LoggerMessage(11, LogLevel.Information, "Stopped")]
    private static partial void Stopped(ILogger log);
}

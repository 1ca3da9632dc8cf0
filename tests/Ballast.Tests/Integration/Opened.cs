using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>A driven guest and a connection to its monitor.</summary>
internal sealed class Opened : IAsyncDisposable
{
    private Opened(DrivenGuest driven, Connection connection, Domain domain)
    {
        Driven = driven;
        Connection = connection;
        Domain = domain;
    }

    public DrivenGuest Driven { get; }

    public Connection Connection { get; }

    public Domain Domain { get; }

    public static async Task<Opened> StartAsync(DrivenGuestOptions? options = null, TimeProvider? time = null, TimeSpan? timeout = null)
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        DrivenGuest guest = await DrivenGuest.StartAsync(options, token);
        try
        {
            // The machine may be busy: a deadline of its own only where a test is about it.
            ConnectionOptions how = new() { TimeProvider = time ?? TimeProvider.System, Timeout = timeout ?? TimeSpan.FromSeconds(20) };
            Connection connection = await Connection.OpenAsync($"qmp://{guest.MonitorPath}", how, token);
            return new Opened(guest, connection, Assert.Single(await connection.ListDomainsAsync(cancellationToken: token)));
        }
        catch
        {
            await guest.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        await Driven.DisposeAsync();
    }
}

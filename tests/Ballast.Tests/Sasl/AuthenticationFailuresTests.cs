using Ballast.Server.Authentication;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Sasl;

/// <summary>Who guesses waits, and nobody else does.</summary>
public sealed class AuthenticationFailuresTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_few_failures_are_free_and_then_there_is_one_in_each_interval()
    {
        AuthenticationFailures failures = new(_time);
        for (int i = 0; i < AuthenticationFailures.Free; i++)
        {
            Assert.Equal(TimeSpan.Zero, failures.Wait("user 1"));
            failures.Add("user 1");
        }

        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(AuthenticationFailures.Interval, failures.Wait("user 1"));
            Assert.Equal(TimeSpan.Zero, failures.Wait("user 2"));
            _time.Advance(AuthenticationFailures.Interval);
            Assert.Equal(TimeSpan.Zero, failures.Wait("user 1"));
            failures.Add("user 1");
        }

        _time.Advance(AuthenticationFailures.Interval * AuthenticationFailures.Free);
        failures.Add("user 1");
        Assert.Equal(TimeSpan.Zero, failures.Wait("user 1"));
    }

    [Fact]
    public void Many_peers_take_no_more_room_than_some()
    {
        AuthenticationFailures failures = new(_time);
        for (int i = 0; i < AuthenticationFailures.Free; i++)
            failures.Add("guesser");
        _time.Advance(TimeSpan.FromMilliseconds(1));
        for (int i = 0; i < 3000; i++)
            failures.Add($"address {i}");
        Assert.NotEqual(TimeSpan.Zero, failures.Wait("guesser"));
    }
}

using System.Globalization;
using Ballast.Rpc.Messages;

namespace Ballast.Rpc;

/// <summary>What is called: two programs share a connection, and each numbers its procedures for itself.</summary>
internal readonly record struct RpcCall(uint Program, int Procedure)
{
    public static implicit operator RpcCall(RemoteProcedure procedure) => new(RpcPrograms.Remote, (int)procedure);

    public static implicit operator RpcCall(BallastProcedure procedure) => new(RpcPrograms.Ballast, (int)procedure);

    /// <summary>Whether it belongs to the opening of a connection: every daemon has such a procedure.</summary>
    public bool IsOfOpening => Program == RpcPrograms.Remote && (RemoteProcedure)Procedure
        is (>= RemoteProcedure.AuthList and <= RemoteProcedure.AuthPolkit) or RemoteProcedure.ConnectOpen or RemoteProcedure.ConnectSupportsFeature;

    /// <summary>The procedure's name, as errors show it.</summary>
    public override string ToString() => (Program switch
    {
        RpcPrograms.Remote => Enum.GetName((RemoteProcedure)Procedure),
        RpcPrograms.Ballast => Enum.GetName((BallastProcedure)Procedure),
        _ => null,
    }) ?? string.Create(CultureInfo.InvariantCulture, $"procedure {Procedure} of program 0x{Program:x}");
}

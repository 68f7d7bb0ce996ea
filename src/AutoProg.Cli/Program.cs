using AutoProg.Cli;

using var stop = StopSignals.Listen();
return Invocation.Run(args, Streams.OfProcess(), stop);

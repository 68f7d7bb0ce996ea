using System.Reflection;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>The options and values of a verb in the order of help: its own first, then those it shares with others.</summary>
internal static class VerbProperties
{
    /// <summary>All properties that the parser fills.</summary>
    public static IEnumerable<PropertyInfo> Of(Type verb)
    {
        for (var type = verb; type is not null && type != typeof(object); type = type.BaseType)
        {
            foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            {
                if (property.GetCustomAttribute<BaseAttribute>() is not null)
                {
                    yield return property;
                }
            }
        }
    }

    /// <summary>Every option's long name.</summary>
    public static IEnumerable<string> OptionNames(Type verb) => Of(verb).Select(static p => p.GetCustomAttribute<OptionAttribute>()?.LongName).OfType<string>();
}

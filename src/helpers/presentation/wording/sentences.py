"""Templates of sentences by id, Russian and English; `wording` fills them. Field names are the same in both."""

SENTENCES: dict[str, tuple[str, str]] = {
    "H_base": ("{index} {of} — {value}{interval}", "The {index} of {of} is {value}{interval}"),
    "H1_change": ("; за год {change}{bounds}.", ", {direction} in a year{bounds}."),
    "H3_reason": (
        "; сравнимого значения за {previous} нет: {reason}.",
        "; no comparable value for {previous}: {reason}.",
    ),
    "H3_alone": (
        "Сравнимого значения за {previous} нет: {reason}.",
        "There is no comparable value for {previous}: {reason}.",
    ),
    "H4": (
        "Для {of} опубликованных данных за {period} нет. Ниже — показатели страны.",
        "No data were published for {of} for {period}. National figures follow.",
    ),
    "H4_partial": (
        "Для {of} индекс за {period} не опубликован. Ниже — то, что известно.",
        "No index was published for {of} for {period}. What is known follows.",
    ),
    "H_last": (
        "Последнее опубликованное значение индекса — {value} ({period}).",
        "The latest published value of the index is {value} ({period}).",
    ),
    "H_country": (
        "Среднее значение индекса по России — {value}{interval}.",
        "The Russian mean of the index is {value}{interval}.",
    ),
    "L1": (
        "Это {word} {reference} ({level}) на {difference}{bounds}.",
        "This is {difference} {word} {reference} of {level}{bounds}.",
    ),
    "L2": ("Это примерно на уровне {reference} ({level}).", "This is about the level of {reference} ({level})."),
    "L3": (
        "Выше или ниже {reference} ({level}), данные сказать не позволяют: разница {bounds}{NBSP}п.{NBSP}п.",
        "The data cannot tell whether this is above or below {reference} of {level}: "
        "the difference is {bounds}{NBSP}pp.",
    ),
    "L3_both": (
        "Отличить это от среднего по округу ({district}) и по России ({country}) данные не позволяют: "
        "разница {first} и {second}{NBSP}п.{NBSP}п.",
        "The data cannot tell this from the district mean of {district} (difference {first}{NBSP}pp) "
        "or the Russian mean of {country} ({second}{NBSP}pp).",
    ),
    "R1": (
        "Место в стране — {rank} из {n} (95{NBSP}% интервал {low}–{high}).",
        "National rank {rank} of {n} (95% interval {low}–{high}).",
    ),
    "R2": (
        "{rank} место из {n}; при других способах расчёта — от {low} до {high}.",
        "Rank {rank} of {n}; {low} to {high} under other ways of calculating.",
    ),
    "R2_same": (
        "{rank} место из {n}; при других способах расчёта оно не меняется.",
        "Rank {rank} of {n}; the same under other ways of calculating.",
    ),
    "R2_rounding": (
        "{rank} место из {n}; с учётом округления — от {low} до {high}.",
        "Rank {rank} of {n}; {low} to {high} given the rounding.",
    ),
    "R2_district": (
        "Опубликованное место в федеральном округе — {rank} за {period}; границы места не опубликованы.",
        "The published rank in the federal district is {rank} for {period}; no bounds of the rank were published.",
    ),
    "R2_district_known": (
        "Опубликованное место в федеральном округе за {period} — {rank} из {n}; {bounds}.",
        "The published rank in the federal district for {period} is {rank} of {n}; {bounds}.",
    ),
    "R3": (
        "Регион нельзя уверенно отличить от {n} {others}.",
        "The region cannot be told apart from {n} other {others}.",
    ),
    "R3_none": (
        "Регион уверенно отличается от всех остальных участников.",
        "The region can be told apart from all other participants.",
    ),
    "P1": (
        "Сроки сократились у {shorter} из {n}, выросли у {longer}.",
        "Times fell for {shorter} of {n} services and rose for {longer}.",
    ),
    "P1_suppressed": ("Среднее не показано: мало услуг ({n}).", "Mean not shown: too few services ({n})."),
    "M1": ("За год индекс {verb} на {change}{bounds}.", "The index {verb} by {change} in a year{bounds}."),
    "M1_beside": ("За тот же год: {changes}.", "In the same year: {changes}."),
    "M2": (
        "Индекс {word} среднего по России на {difference}{bounds}.",
        "The index is {difference} {word} the Russian mean{bounds}.",
    ),
    "M3_group": (
        "Группа эффективности МФЦ изменилась: за {first} — {before}, за {second} — {after}.",
        "The MFC efficiency group changed: {before} for {first}, {after} for {second}.",
    ),
    "M3_stage": (
        "Этап зрелости изменился: за {first} — {before}, за {second} — {after}.",
        "The maturity stage changed: {before} for {first}, {after} for {second}.",
    ),
    "M3_level": (
        "Группа эффективности МФЦ за {first} — {before}.",
        "The MFC efficiency group for {first} is {before}.",
    ),
    "M3_points": (
        "Баллы рейтинга МФЦ за {first}: {points}.",
        "Points of the MFC rating for {first}: {points}.",
    ),
    "M3_stage_level": ("Этап зрелости за {first} — {before}.", "The maturity stage for {first} is {before}."),
    "M5": (
        "{name}: {word} среднего по округу на {difference}{bounds}.",
        "{name}: {difference} {word} the district mean{bounds}.",
    ),
    "M7": (
        "Наибольший ожидаемый выигрыш — у услуги {name}: {gain} в год{bounds}.",
        "The largest expected gain is in the service {name}: {gain} a year{bounds}.",
    ),
    "M7_sure": (
        "Среди услуг с надёжным выигрышем первая — {name}: {gain} в год{bounds}.",
        "Of the services with a gain beyond noise the first is {name}: {gain} a year{bounds}.",
    ),
    "M8_reachable": (
        "Цель {year} года «{name}» достижима при нынешнем темпе.",
        "The {year} target “{name}” is reachable at the present pace.",
    ),
    "M8_behind": (
        "Цель {year} года «{name}»: нынешний темп ниже нужного.",
        "The {year} target “{name}”: the present pace is below the pace needed.",
    ),
    "M8_cannot_tell": (
        "Цель {year} года «{name}»: данные не позволяют сказать, достижима ли она.",
        "The {year} target “{name}”: the data cannot tell whether it is reachable.",
    ),
}
